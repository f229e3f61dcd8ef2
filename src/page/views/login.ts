// Login: name and password of an admin user. It stands where the view would, so that after it one is where one wanted to be.
import { html, type TemplateResult } from 'lit-html'
import type { Login as Credentials, Session } from '../../admin/schema/operations.js'
import type { Api } from '../api.js'
import { textOf } from '../problem.js'

export class Login {
  readonly #api: Api
  readonly #refresh: () => void
  readonly #onSession: (session: Session) => void
  #problem = ''
  #isBusy = false

  constructor(api: Api, refresh: () => void, onSession: (session: Session) => void) {
    this.#api = api
    this.#refresh = refresh
    this.#onSession = onSession
  }

  /** Why one has to log in again; '' for no reason. */
  explain(text: string): void {
    this.#problem = text
  }

  async logIn(credentials: Credentials): Promise<void> {
    this.#isBusy = true
    this.#problem = ''
    this.#refresh()
    try {
      const session = await this.#api.login(credentials)
      this.#isBusy = false
      this.#onSession(session)
    } catch (error) {
      this.#isBusy = false
      this.#problem = textOf(error)
      this.#refresh()
      document.querySelector<HTMLInputElement>('#password')?.select()
    }
  }

  render(): TemplateResult {
    return html`<section class="login card" aria-labelledby="login-title">
      <h1 id="login-title">Log in</h1>
      <form @submit=${(event: SubmitEvent) => this.#submit(event)}>
        <label class="field" for="user">User</label>
        <input id="user" name="user" required autocomplete="username" autocapitalize="off" spellcheck="false" maxlength="513" />
        <label class="field" for="password">Password</label>
        <input id="password" name="password" type="password" required autocomplete="current-password" maxlength="513" />
        <p class="problem" role="alert" ?hidden=${this.#problem === ''}>${this.#problem}</p>
        <button class="primary" ?disabled=${this.#isBusy}>${this.#isBusy ? 'Logging in…' : 'Log in'}</button>
      </form>
      <p class="quiet">No admin user yet? On the server, <code>turnd login</code> prints a link that logs in once, and <code>turnd user add NAME --admin</code> makes a user.</p>
    </section>`
  }

  #submit(event: SubmitEvent): void {
    event.preventDefault()
    const data = new FormData(event.target as HTMLFormElement)
    void this.logIn({ user: String(data.get('user')), password: String(data.get('password')) })
  }
}
