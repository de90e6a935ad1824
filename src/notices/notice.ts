import type { NoticeKind } from '../model/notice.ts'

/** How much it matters: `critical` wants a person now, `warning` soon, `info` never. */
export type Severity = 'info' | 'warning' | 'critical'

/** Something that there is to tell at this moment. Holds nothing secret. */
export interface Announcement {
  /** What it is told of. As long as that lasts it is told once, or once a day, under this name. */
  readonly cause: string
  readonly kind: NoticeKind
  readonly severity: Severity
  /** One line that stands alone. */
  readonly title: string
  /** The rest, a sentence or two a line. */
  readonly lines: readonly string[]
  readonly materials: readonly string[]
  /** The command that is most likely wanted next. */
  readonly command?: string
  /** Told again once a day. */
  readonly reminded: boolean
}

/** An announcement on its way to a person. */
export interface Notice extends Announcement {
  /** The same for every try, on every channel. */
  readonly id: string
  /** When it was first told of. Epoch milliseconds. */
  readonly at: number
  /** The name of this host. */
  readonly host: string
}

/** The same in one printable line each: reasons come from other programs. */
export function printable(announcement: Announcement): Announcement {
  const plain = (text: string) =>
    text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim()
  const { title, lines } = announcement
  return { ...announcement, title: plain(title), lines: lines.map(plain) }
}

/** The title and the lines below it, each ending in a newline. */
export function textOf({ title, lines }: Announcement): string {
  return [title, ...lines].map((line) => `${line}\n`).join('')
}

/** The first bytes of a text, whole characters only, with `…` where some were left out. */
export function shortened(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text
  const cut = Buffer.from(text).subarray(0, bytes - 3)
  return `${new TextDecoder().decode(cut).replace(/\ufffd$/, '')}…`
}
