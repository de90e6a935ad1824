import { styleText } from 'node:util'

export type Colour = 'red' | 'yellow' | 'green' | 'cyan' | 'bold' | 'dim'

/** Colours a text, or leaves it as it is. */
export type Style = (colour: Colour, text: string) => string

const plainStyle: Style = (_, text) => text
const colouredStyle: Style = (colour, text) => styleText(colour, text, { validateStream: false })

/** Colour only on a terminal, and not where `NO_COLOR` is set (no-color.org) or the terminal has none. */
export function styleFor(
  isTerminal: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): Style {
  const refused = environment['NO_COLOR'] || environment['TERM'] === 'dumb'
  return isTerminal && !refused ? colouredStyle : plainStyle
}

/** Text from elsewhere without control characters: it must not move the cursor or change colours. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '?')
}
