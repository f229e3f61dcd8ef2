// Users: who may allocate relays, and who may log in here; add, disable, give a new password, remove.
import { html, type TemplateResult } from 'lit-html'
import type { User } from '../../admin/schema/users.js'
import { count } from '../format.js'
import type { Host, View } from '../host.js'
import { badge, emptyNote, problemNote } from '../parts.js'
import { Poll } from '../poll.js'
import { askNewPassword, askNewUser } from '../user-dialogs.js'

const REFRESH_MILLISECONDS = 5000
const SOURCES: Readonly<Record<User['source'], { readonly label: string; readonly why: string }>> = {
  'users-file': { label: 'users file', why: '' },
  option: {
    label: 'option',
    why: 'Given to the server as an option: change it there (--user, its environment variable or the configuration file), then reload, or restart if it is on the command line or in the environment.',
  },
  generated: {
    label: 'made at first start',
    why: 'Made up at the first start, because no user was configured. With the first user that is added here it is written into the users file, and can be changed.',
  },
}

export class Users implements View {
  readonly name = 'users'
  readonly title = 'Users'
  readonly #host: Host
  readonly #poll: Poll
  #users: readonly User[] | null = null
  #problem: unknown = null

  constructor(host: Host) {
    this.#host = host
    this.#poll = new Poll(REFRESH_MILLISECONDS, () => this.#load())
  }

  show(): void {
    this.#poll.start()
  }

  hide(): void {
    this.#poll.stop()
  }

  render(): TemplateResult {
    return html`
      <div class="section-head"><h1>Users</h1>
        <button type="button" class="primary" data-action="add"
          @click=${() => this.#do(() => askNewUser(this.#host))}>Add a user…</button></div>
      <p class="quiet">TURN users allocate relays; admin users log in to this page. The two share no passwords.</p>
      ${this.#problem === null ? '' : problemNote(this.#problem)}
      ${this.#users === null ? (this.#problem === null ? emptyNote('Asking the server…') : '') : this.#table(this.#users)}`
  }

  async #load(): Promise<void> {
    try {
      this.#users = await this.#host.api.users()
      this.#problem = null
    } catch (error) {
      this.#problem = error
    }
    this.#host.refresh()
  }

  #table(users: readonly User[]): TemplateResult {
    if (users.length === 0)
      return html`<div class="card">${emptyNote('There are no users: nobody can allocate a relay.')}</div>`
    const sorted = [...users].sort((a, b) => b.role.localeCompare(a.role) || a.name.localeCompare(b.name))
    return html`<div class="card scroll-x"><table class="stack" aria-label="Users" data-table="users"><thead><tr>
      <th scope="col">Name</th><th scope="col">Role</th><th scope="col">Source</th>
      <th scope="col">State</th><th scope="col" class="number">Allocations</th>
        <th scope="col"><span class="hidden-text">Actions</span></th></tr></thead>
      <tbody>${sorted.map((user) => this.#row(user))}</tbody></table></div>`
  }

  #row(user: User): TemplateResult {
    const { allocations, disabled, name, role, source } = user
    const { label, why } = SOURCES[source]
    return html`<tr data-user=${name} data-role=${role} class=${disabled ? 'disabled' : ''}>
      <th scope="row" class="wrap">${name}</th>
      <td data-label="Role">${badge(role === 'admin' ? 'accent' : 'quiet', role)}</td><td data-label="Source">${label}</td>
      <td data-label="State">${disabled ? badge('warning', 'Disabled') : badge('ok', 'Enabled')}</td>
      <td data-label="Allocations" class="number">${
        role === 'turn' && allocations > 0
          ? html`<a href=${`#clients?search=${encodeURIComponent(name)}`}>${count(allocations)}</a>`
          : count(allocations)
      }</td>
      <td>${why === '' ? this.#actions(user) : html`<p class="quiet why">${why}</p>`}</td>
    </tr>`
  }

  #actions(user: User): TemplateResult {
    const { disabled, name } = user
    return html`<div class="buttons end">
      <button type="button" class="small" data-action="toggle"
        aria-label=${`${disabled ? 'Enable' : 'Disable'} ${name}`} @click=${() => this.#do(() => this.#toggle(user))}>${disabled ? 'Enable' : 'Disable'}</button>
      <button type="button" class="small" data-action="password" aria-label=${`New password for ${name}`}
        @click=${() => this.#do(() => askNewPassword(this.#host, user))}>New password…</button>
      <button type="button" class="small danger" data-action="remove" aria-label=${`Remove ${name}`}
        @click=${() => this.#do(() => this.#remove(user))}>Remove…</button>
    </div>`
  }

  async #toggle(user: User): Promise<void> {
    if (!user.disabled && this.#isOneself(user)) {
      const text = 'You are logged in as this user: your session ends at once, and others must let you in again.'
      const question = { title: 'Disable yourself?', text, action: 'Disable', isDangerous: true }
      if (!(await this.#host.dialogs.confirm(question))) return
    }
    await this.#host.api.changeUser(user, { disabled: !user.disabled })
    this.#host.announce(
      user.disabled ? `${user.name} is enabled again.` : `${user.name} is disabled: it gets no new allocations.`,
    )
  }

  #isOneself({ name, role }: User): boolean {
    return role === 'admin' && name === this.#host.user
  }

  async #remove(user: User): Promise<void> {
    const isSure = await this.#host.dialogs.confirm({
      title: 'Remove this user?',
      text: html`<strong>${user.name}</strong> goes from the users file with its keys. To keep it for later, disable it.${this.#isOneself(user) ? ' You are logged in as this user: your session ends at once.' : ''}`,
      action: 'Remove',
      isDangerous: true,
    })
    if (!isSure) return
    await this.#host.api.removeUser(user)
    this.#host.announce(`${user.name} was removed.`)
  }

  async #do(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      this.#host.report(error)
    }
    this.#poll.now()
  }
}
