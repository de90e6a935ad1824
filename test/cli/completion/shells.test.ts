import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { completionScripts } from '../../../src/cli/completion/scripts.ts'
import { needs } from '../../support/parts.ts'

/** A `rekeyd` that offers two candidates for `ro`, files after `--config`, and says what it was asked. */
const program = `#!/bin/sh
printf '%s\\n' "$*" >> "$ASKED"
case "$*" in
  *'--config '*|*'--config='*) echo ':files' ;;
  *) printf 'rotate\\tmake: a new one\\nrollback\\tback\\n' ;;
esac
`

describe('completion in a real', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rekeyd-completion-'))
  const asked = join(folder, 'asked')
  const env = { PATH: `${folder}:${process.env['PATH']}`, HOME: folder, ASKED: asked, TERM: 'dumb' }
  const run = (shell: string, ...args: string[]) =>
    execFileSync(shell, args, { env, cwd: folder, encoding: 'utf8', timeout: 60_000 })
  const script = (shell: keyof typeof completionScripts) => join(folder, `script.${shell}`)

  before(() => {
    writeFileSync(join(folder, 'rekeyd'), program, { mode: 0o755 })
    writeFileSync(join(folder, 'etc.yaml'), '')
    for (const [shell, { script: text }] of Object.entries(completionScripts)) {
      writeFileSync(join(folder, `script.${shell}`), text)
    }
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('bash', () => {
    const complete = (...words: string[]) =>
      run(
        'bash',
        '--norc',
        '-c',
        `. "$1"; shift; compopt() { echo "compopt $*"; }
        COMP_WORDS=(rekeyd "$@"); COMP_CWORD=$#; _rekeyd; printf '%s\\n' "\${COMPREPLY[@]}"`,
        'bash',
        script('bash'),
        ...words,
      )
    assert.equal(complete('ro'), 'rotate\nrollback\n')
    assert.equal(complete('--config', 'e').trim(), 'compopt -o default')
    assert.match(run('bash', '--norc', '-c', `. ${script('bash')}; complete -p rekeyd`), /_rekeyd/)
  })

  it('zsh', needs('zsh'), () => {
    const complete = (...words: string[]) =>
      run(
        'zsh',
        '-f',
        '-c',
        `compdef() { :; }; . "$1"; shift
        _describe() { print -rl -- "\${(@P)2}"; }; _files() { print files; }; compset() { print "compset $*"; }
        words=(rekeyd "$@"); CURRENT=\${#words}; _rekeyd`,
        'zsh',
        script('zsh'),
        ...words,
      )
    assert.equal(complete('ro'), 'rotate:make: a new one\nrollback:back\n')
    assert.equal(complete('--config=e'), 'compset -P --*=\nfiles\n')
  })

  it('fish', needs('fish'), () => {
    const complete = (line: string) =>
      run('fish', '--no-config', '-c', `source ${script('fish')}; complete --do-complete '${line}'`)
    assert.equal(complete('rekeyd ro'), 'rollback\tback\nrotate\tmake: a new one\n')
    assert.match(complete('rekeyd --config e'), /^etc\.yaml/)
    assert.match(complete('rekeyd --config=e'), /^--config=etc\.yaml/)
  })
})
