// What a guest is told instead of an answer.

export class Problem extends Error {
  /** Of HTTP. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
