import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

/** A folder with things in it that nobody may touch, and room for cases beside them. */
export class Yard {
  readonly folder: string
  readonly #before: string

  constructor(parent: string, name: string) {
    this.folder = mkdtempSync(join(parent, `${name}-`))
    const inside = join(this.folder, 'around', 'inside')
    mkdirSync(inside, { recursive: true })
    writeFileSync(join(this.folder, 'around', 'file'), 'untouched', { mode: 0o640 })
    writeFileSync(join(inside, '.config.rekeyd-r1'), 'untouched', { mode: 0o600 })
    symlinkSync('file', join(this.folder, 'around', 'link'))
    this.#before = this.#look()
  }

  /** A fresh, empty folder for one case. */
  room(number: number): string {
    const room = join(this.folder, String(number))
    mkdirSync(room)
    return room
  }

  clear(number: number): void {
    rmSync(join(this.folder, String(number)), { recursive: true, force: true })
  }

  /** @throws when anything around the cases was made, changed or removed */
  refuseTraces(): void {
    const now = this.#look()
    if (now !== this.#before) throw new Error(`touched outside: ${this.#before} became ${now}`)
  }

  #look(): string {
    const around = join(this.folder, 'around')
    const names = readdirSync(around, { recursive: true, encoding: 'utf8' }).toSorted()
    const facts = ['.', ...names].map((name) => {
      const { ino, mode, size, mtimeMs, ctimeMs } = lstatSync(join(around, name))
      return [name, ino, mode, size, mtimeMs, ctimeMs].join(' ')
    })
    const beside = readdirSync(this.folder).filter((name) => !/^\d+$/.test(name))
    return [...facts, ...beside].join('\n')
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
