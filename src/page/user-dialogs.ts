// Dialogs that add a user or give a new password. One that is made up is shown once, to be copied.
import { html, type TemplateResult } from 'lit-html'
import type { User, UserRole } from '../admin/schema/users.js'
import type { Host } from './host.js'
import { copyButton } from './parts.js'

const NAME_LENGTH_MAX = 513

/** What the API refuses is thrown. */
export async function askNewUser(host: Host): Promise<void> {
  const data = await host.dialogs.ask({
    title: 'Add a user',
    body: html`<label class="field">Name<input name="name" required maxlength=${NAME_LENGTH_MAX} autocapitalize="off" spellcheck="false" autofocus /></label>
      <fieldset><legend>Role</legend>
        <label class="choice"><input type="radio" name="role" value="turn" checked /> turn: allocates relays</label>
        <label class="choice"><input type="radio" name="role" value="admin" /> admin: logs in to this page</label>
      </fieldset>
      ${passwordField()}`,
    action: 'Add',
  })
  if (data === null) return
  const role: UserRole = data.get('role') === 'admin' ? 'admin' : 'turn'
  const password = String(data.get('password') ?? '')
  const name = String(data.get('name'))
  const changed = await host.api.addUser(password === '' ? { name, role } : { name, role, password })
  host.announce(`${name} was added.`)
  if (changed.password !== undefined) await showPassword(host, name, changed.password)
}

export async function askNewPassword(host: Host, user: User): Promise<void> {
  const data = await host.dialogs.ask({
    title: `New password for ${user.name}`,
    body: html`<p>The old one is refused from then on; allocations that exist go on until they are refreshed.</p>${passwordField()}`,
    action: 'Set',
  })
  if (data === null) return
  const password = String(data.get('password') ?? '')
  const changed = await host.api.changeUser(user, password === '' ? { generatePassword: true } : { password })
  host.announce(`${user.name} has a new password.`)
  if (changed.password !== undefined) await showPassword(host, user.name, changed.password)
}

function passwordField(): TemplateResult {
  return html`<label class="field">Password<input name="password" type="password"
    autocomplete="new-password" aria-describedby="password-note" /></label>
    <p class="quiet" id="password-note">Leave it empty, and a strong one is made up and shown once.</p>`
}

async function showPassword(host: Host, name: string, password: string): Promise<void> {
  await host.dialogs.ask({
    title: `Password of ${name}`,
    body: html`<p>It was made up just now and is shown this once: the server keeps only what checks it.</p>
      <p class="secret"><code data-secret>${password}</code> ${copyButton(host, () => password)}</p>`,
    action: 'Done',
    cancel: '',
  })
}
