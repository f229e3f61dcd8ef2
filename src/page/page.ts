// The status page: what index.html starts.
import { html, render } from 'lit-html'

render(html`<h1>turnd</h1>`, document.getElementById('page') as HTMLElement)
