// Text that came from elsewhere (the network, the command line), made safe to show in a line.

/** Obeyed by terminals beside the ones that JSON escapes, or hide text or turn its direction: they forge what a person reads. */
const HIDDEN = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g
const CONTROLS = /[\u0000-\u001f]/g

/** For lines of JSON, whose line breaks and colours are ours: the escapes mean the same in JSON. */
export function escapeHidden(line: string): string {
  return line.replace(HIDDEN, escaped)
}

/** For plain sentences: line breaks and other controls too. */
export function escapeControls(sentence: string): string {
  return escapeHidden(sentence).replace(CONTROLS, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
