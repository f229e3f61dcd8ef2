// Settings as the library's options give them. Used by the tests of this folder.
import { settingsFromObject } from '../../src/config/library-options.js'
import type { Settings, TurnServerOptions } from '../../src/config/settings.js'

export function settingsOf(options: TurnServerOptions): Settings {
  return settingsFromObject(options).settings
}
