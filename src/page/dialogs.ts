// Questions that wait for an answer, one at a time, in the browser's own modal dialog: focus stays in it and goes back where it was.
import { html, render, type TemplateResult } from 'lit-html'

export interface Confirmation {
  readonly title: string
  readonly text: TemplateResult | string
  /** On the button that does it. */
  readonly action: string
  /** It cannot be undone. */
  readonly isDangerous?: boolean
}

export interface DialogForm {
  readonly title: string
  readonly body: TemplateResult
  readonly action: string
  readonly isDangerous?: boolean
  /** '' for a dialog that has nothing to cancel. */
  readonly cancel?: string
}

export class Dialogs {
  readonly element: HTMLDialogElement
  #settle: ((data: FormData | null) => void) | null = null

  constructor() {
    this.element = document.createElement('dialog')
    this.element.setAttribute('aria-labelledby', 'dialog-title')
    this.element.addEventListener('close', () => {
      this.#end(null)
      // Passwords were in it.
      if (!this.element.open) render('', this.element)
    })
  }

  async confirm({ action, isDangerous = false, text, title }: Confirmation): Promise<boolean> {
    return (await this.ask({ title, body: html`<p>${text}</p>`, action, isDangerous })) !== null
  }

  /** Resolves with the fields of its form; null: cancelled, by button or Escape. */
  ask(form: DialogForm): Promise<FormData | null> {
    this.#end(null)
    this.#draw(form)
    if (!this.element.open) this.element.showModal()
    const focused =
      this.element.querySelector<HTMLElement>('[autofocus]') ?? this.element.querySelector('input, button')
    focused?.focus()
    return new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  close(): void {
    this.#end(null)
    this.element.close()
  }

  #draw({ action, body, cancel = 'Cancel', isDangerous = false, title }: DialogForm): void {
    const submit = (event: SubmitEvent) => {
      event.preventDefault()
      this.#end(new FormData(event.target as HTMLFormElement))
      this.element.close()
    }
    const cancelButton =
      cancel === '' ? '' : html`<button type="button" @click=${() => this.element.close()}>${cancel}</button>`
    const kind = isDangerous ? 'danger' : 'primary'
    render(
      html`<form @submit=${submit} autocomplete="off">
        <h2 id="dialog-title">${title}</h2>
        ${body}
        <div class="buttons end">${cancelButton}<button class=${kind} data-action="confirm">${action}</button></div>
      </form>`,
      this.element,
    )
  }

  #end(data: FormData | null): void {
    const settle = this.#settle
    this.#settle = null
    settle?.(data)
  }
}
