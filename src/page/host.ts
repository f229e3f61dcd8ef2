// What a view is, and what the page gives to each of them.
import type { TemplateResult } from 'lit-html'
import type { Status } from '../admin/schema/status.js'
import type { Api } from './api.js'
import type { Dialogs } from './dialogs.js'
import type { Route } from './router.js'
import type { SampleColumns } from './sample-columns.js'

export interface Host {
  readonly api: Api
  readonly dialogs: Dialogs
  /** null until the server has told it. */
  readonly status: Status | null
  /** The last ten minutes, by seconds. */
  readonly samples: SampleColumns
  readonly route: Route
  /** Who is logged in; `operator` by a login link. */
  readonly user: string
  /** By the server's clock, about. */
  now(): number
  /** Draws again, in the next frame. */
  refresh(): void
  /** Said to whoever cannot see it, and shown for a while. */
  announce(text: string): void
  /** The same for what went wrong. */
  report(error: unknown): void
  /** Changes what of the route is given. `replace`: without a step of its own in the history. */
  go(route: Partial<Route>, replace?: boolean): void
}

export interface View {
  /** Of the route: `clients`. */
  readonly name: string
  /** Of the navigation. */
  readonly title: string
  /** It is on the page now, or its part of the route has changed. */
  show(route: Route): void
  hide(): void
  render(): TemplateResult
}
