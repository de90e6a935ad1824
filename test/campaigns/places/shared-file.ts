import {
  chmodSync,
  existsSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import type { SeededRandom } from '../campaign.ts'

/** Where a value stands in a text: the second group, quotes included; the first is what is before it. */
export type ValuePattern = RegExp

const masked = '<value>'

/**
 * A file that rekeyd and the operator both write to: here is what the operator wrote, without the values. Reads and
 * writes with nothing but plain text, so that it can judge.
 */
export class SharedFile {
  readonly path: string
  readonly #patterns: readonly ValuePattern[]
  #expected: string
  #mode = 0o600

  constructor(path: string, content: string, patterns: readonly ValuePattern[]) {
    this.path = path
    this.#patterns = patterns
    writeFileSync(path, content, { mode: this.#mode })
    this.#expected = this.#mask(content)
  }

  /** Something beside the values. @param mark found nowhere else */
  edit(random: SeededRandom, mark: string): void {
    const change = random.pick(isJson(this.path) ? jsonEdits : lineEdits)
    this.#save(change(this.#read(), mark), random)
    this.#expected = change(this.#expected, mark)
  }

  changeMode(random: SeededRandom): void {
    this.#mode = random.pick([0o600, 0o640, 0o644])
    chmodSync(this.path, this.#mode)
  }

  touch(): void {
    utimesSync(this.path, 1, 1)
  }

  /** The value itself. */
  overwrite(pattern: ValuePattern, value: string, random: SeededRandom): void {
    this.#save(replaceValue(this.#read(), pattern, `"${value}"`), random)
  }

  valueAt(pattern: ValuePattern): string | undefined {
    if (!existsSync(this.path)) return undefined
    return pattern.exec(this.#read())?.[2]?.replaceAll('"', '')
  }

  /** What is not as the operator wrote it. */
  complaints(): readonly string[] {
    const complaints: string[] = []
    const found = this.#mask(this.#read())
    if (found !== this.#expected) {
      complaints.push(
        `${this.path} is ${JSON.stringify(found)}, not ${JSON.stringify(this.#expected)}`,
      )
    }
    const mode = statSync(this.path).mode & 0o777
    if (mode !== this.#mode) complaints.push(`${this.path} has mode ${mode.toString(8)}`)
    return complaints
  }

  #read(): string {
    return readFileSync(this.path, 'utf8')
  }

  /** As editors do: into the file as it is, or by renaming a new one over it. */
  #save(text: string, random: SeededRandom): void {
    if (random.below(2) === 0) return writeFileSync(this.path, text)
    writeFileSync(`${this.path}.edited`, text, { mode: this.#mode })
    chmodSync(`${this.path}.edited`, this.#mode)
    renameSync(`${this.path}.edited`, this.path)
  }

  #mask(text: string): string {
    return this.#patterns.reduce((rest, pattern) => replaceValue(rest, pattern, masked), text)
  }
}

function replaceValue(text: string, pattern: RegExp, value: string): string {
  return text.replace(pattern, (_, before: string) => before + value)
}

type Edit = (text: string, mark: string) => string

const lineEdits: readonly Edit[] = [
  (text, mark) => `${text}# ${mark}\n`,
  (text, mark) => `# ${mark}\n${text}`,
  (text, mark) => text.replace(/^# .*$/m, `# instead: ${mark}`),
  (text) => text.replace(/^# .*\n/m, ''),
]

const jsonEdits: readonly Edit[] = [
  (text, mark) => text.replace('{', `{ "${mark}": true,`),
  (text, mark) => `${text.trimEnd().slice(0, -1)}, "${mark}": 1}\n`,
]

function isJson(path: string): boolean {
  return path.endsWith('.json')
}
