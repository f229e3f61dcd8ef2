// Names of which something is remembered, up to a bound: the one that was put least recently makes room.

export function rememberName<Value>(names: Map<string, Value>, name: string, value: Value, countMax: number): void {
  names.delete(name)
  if (names.size >= countMax) {
    const first = names.keys().next()
    if (!first.done) names.delete(first.value)
  }
  names.set(name, value)
}
