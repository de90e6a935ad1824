import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { manual } from '../../src/cli/manual.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { Session } from '../../src/cli/session/session.ts'
import { needs } from '../support/parts.ts'
import { FakeOperations } from './fake-operations.ts'
import { FakeTerminal, fakeParts } from './fake-terminal.ts'

const path = join(import.meta.dirname, '../../deploy/man/rekeyd.1')
const program = buildProgram(new Session(new FakeTerminal(), fakeParts(new FakeOperations())))

describe('the manual page', () => {
  it('is what the command line makes of it: tools/write-man.js writes it anew', () => {
    assert.equal(readFileSync(path, 'utf8'), manual(program))
  })

  it('has every command and every option, as mandoc shows it', needs('mandoc'), () => {
    const shown = execFileSync('mandoc', ['-T', 'utf8', path], { encoding: 'utf8' })
    const text = shown.replace(/.[\b]/g, '').replaceAll('‐', '-')
    const commands = program.commands.filter((command) => !command.name().startsWith('_'))
    for (const command of commands) {
      assert.ok(text.includes(`rekeyd ${command.name()}`), command.name())
      for (const { flags } of command.options) assert.ok(text.includes(flags), flags)
    }
  })

  it('gives mandoc nothing to object', needs('mandoc'), () => {
    const found = execFileSync('mandoc', ['-T', 'lint', '-W', 'warning', path], {
      encoding: 'utf8',
    })
    assert.equal(found, '')
  })
})
