// The status page: what index.html starts.
import { App } from './app.js'
import { applyTheme } from './theme.js'

applyTheme()
const root = document.getElementById('page')
if (root !== null) void new App(root).start()
