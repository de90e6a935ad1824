import { closeSync, globSync, lstatSync, openSync, readFileSync, readSync } from 'node:fs'

/** A secret in the spellings in which a careless program shows it. */
export function spellingsOf(secret: string | Buffer): readonly Buffer[] {
  const bytes = Buffer.from(secret)
  const encoded = (['base64', 'base64url', 'hex'] as const).map((of) => bytes.toString(of))
  if (typeof secret !== 'string') return [bytes, ...withoutPadding(encoded)]
  const texts = [secret, ...encoded]
  const quoted = JSON.stringify(secret).slice(1, -1)
  const wide = Buffer.from(secret, 'utf16le')
  return [...withoutPadding([...texts, quoted, encodeURIComponent(secret)]), wide]
}

function withoutPadding(texts: readonly string[]): readonly Buffer[] {
  return [...new Set(texts)].map((text) => Buffer.from(text.replace(/=+$/, '')))
}

/** The secrets, by name, of which one spelling is in the bytes. */
export function secretsIn(
  bytes: Buffer,
  secrets: ReadonlyMap<string, string | Buffer>,
): readonly string[] {
  return [...secrets]
    .filter(([, secret]) => spellingsOf(secret).some((spelling) => bytes.includes(spelling)))
    .map(([name]) => name)
}

/** Every plain file below a folder. */
export function filesBelow(folder: string): readonly string[] {
  return globSync(`${folder}/**`).filter((path) => lstatSync(path).isFile())
}

export interface Copy {
  /** As in /proc/PID/maps: `[heap]`, a file, or nothing for anonymous memory. */
  readonly region: string
  readonly address: string
  /** What stands around it, printable. */
  readonly around: string
}

const chunk = 4 * 1024 * 1024

/** Copies of `needle` in the writable memory of another process. */
export function copiesInMemory(pid: number, needle: Buffer): readonly Copy[] {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const buffer = Buffer.alloc(chunk)
  try {
    return readFileSync(`/proc/${pid}/maps`, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const found = /^([0-9a-f]+)-([0-9a-f]+) rw\S* \S+ \S+ \S+ *(.*)$/.exec(line)
        if (!found) return []
        const [, from = '', to = '', region = ''] = found
        const copies: Copy[] = []
        // One that lies across two chunks is found in the overlap.
        const step = chunk - needle.length
        const end = Number.parseInt(to, 16)
        for (let at = Number.parseInt(from, 16); at < end; at += step) {
          const length = readSome(memory, buffer, Math.min(chunk, end - at), at)
          const bytes = buffer.subarray(0, length)
          for (let hit = bytes.indexOf(needle); hit >= 0; hit = bytes.indexOf(needle, hit + 1)) {
            const around = bytes.subarray(Math.max(0, hit - 48), hit + needle.length + 48)
            copies.push({
              region,
              address: (at + hit).toString(16),
              around: around.toString('latin1').replace(/[^\x20-\x7e]/g, '.'),
            })
          }
        }
        return copies
      })
  } finally {
    closeSync(memory)
  }
}

/** Regions may go while they are read. */
function readSome(file: number, buffer: Buffer, length: number, position: number): number {
  try {
    return readSync(file, buffer, 0, length, position)
  } catch {
    return 0
  }
}
