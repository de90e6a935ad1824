import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { runCli } from '../../src/cli/run-cli.ts'
import { fakeInit } from './fake-init.ts'
import { FakeOperations } from './fake-operations.ts'
import { FakeTerminal, fakeParts } from './fake-terminal.ts'

/**
 * Sessions as a person sees them, one file for each topic, against the host of fake-operations.ts:
 *
 *     # a comment, and then the title of what follows
 *     $ NO_COLOR=1 rekeyd rotate vapid      a command; nobody sits at the terminal
 *     @ rekeyd rotate vapid                 the same with a person at a terminal
 *     < vapid                               what the person types
 *     ! error: …                            a line on stderr
 *     exit 5                                the exit code, if it is not 0
 *     anything else                         a line on stdout
 *
 * `EXISTING=1` before `rekeyd init`: config and store are there already. `…` at the end of a line stands for the rest of it. Escape sequences are written as `␛`. Whatever
 * `--json` prints must be one object with `schema_version`.
 */
for (const path of globSync(join(import.meta.dirname, 'sessions/*.txt')).toSorted()) {
  describe(`session ${basename(path, '.txt')}`, () => {
    let title = ''
    for (const block of readFileSync(path, 'utf8').split(/\n\n+/)) {
      const lines = block.split('\n').filter((line) => line !== '')
      title = lines.findLast((line) => line.startsWith('# '))?.slice(2) ?? title
      const said = lines.filter((line) => !line.startsWith('#'))
      const [command = '', ...rest] = said
      if (command !== '') it(`${title}: ${command}`, () => play(command, rest))
    }
  })
}

async function play(command: string, lines: readonly string[]): Promise<void> {
  const words: readonly string[] = command.slice(2).match(/'[^']*'|\S+/g) ?? []
  const start = words.indexOf('rekeyd')
  const terminal = new FakeTerminal({
    terminal: command.startsWith('@'),
    environment: Object.fromEntries(words.slice(0, start).map((word) => word.split('='))),
    typed: lines.filter((line) => line.startsWith('< ')).map((line) => line.slice(2)),
  })
  const argv = words.slice(start + 1).map((word) => word.replace(/^'(.*)'$/, '$1'))
  const existing = terminal.environment['EXISTING'] !== undefined
  const others = argv[0] === 'init' ? fakeInit({ present: existing, stored: existing }) : {}
  const exit = await runCli(argv, terminal, fakeParts(new FakeOperations(), others))
  if (argv.includes('--json')) {
    assert.equal(terminal.stdout.indexOf('\n'), terminal.stdout.length - 1)
    assert.equal(JSON.parse(terminal.stdout).schema_version, 1)
  }
  const seen = [
    ...visible(terminal.stdout),
    ...visible(terminal.stderr).map((line) => `! ${line}`),
    ...(exit === 0 ? [] : [`exit ${exit}`]),
  ]
  const expected = lines.filter((line) => !line.startsWith('< '))
  const shortened = seen.map((line, index) => {
    const wanted = expected[index] ?? ''
    const start = wanted.slice(0, -1)
    return wanted.endsWith('…') && line.startsWith(start) ? wanted : line
  })
  assert.deepEqual(shortened, expected)
}

function visible(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replaceAll('\u001b', '␛').trimEnd())
    .filter((line) => line !== '')
}
