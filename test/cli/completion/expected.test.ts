import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { expected } from '../../../src/cli/completion/expected.ts'
import { buildProgram } from '../../../src/cli/program.ts'
import { Session } from '../../../src/cli/session/session.ts'
import { FakeOperations } from '../fake-operations.ts'
import { FakeTerminal, fakeParts } from '../fake-terminal.ts'

const program = buildProgram(new Session(new FakeTerminal(), fakeParts(new FakeOperations())))
const after = (...words: string[]) => expected(program, words)
const wordsAfter = (...words: string[]) => {
  const { source } = after(...words)
  return source.kind === 'words' ? source.words.map(({ word }) => word) : source.kind
}

describe('what a command line expects next', () => {
  it('is a command at first, and none that is hidden', () => {
    const commands = wordsAfter('')
    assert.ok(commands.includes('rotate'))
    assert.ok(!commands.includes('__complete'))
    assert.deepEqual(wordsAfter(), commands)
  })

  it('is a command of a command', () => {
    assert.deepEqual(wordsAfter('api-token', ''), ['add', 'list', 'revoke', 'help'])
  })

  it('is a material where a command takes its name, and nothing after that', () => {
    assert.deepEqual(after('rotate', 'va'), {
      source: { kind: 'materials' },
      prefix: '',
      start: 'va',
    })
    assert.equal(wordsAfter('rotate', '--now', '--reason', 'manual', ''), 'materials')
    assert.equal(wordsAfter('rotate', 'vapid', ''), 'nothing')
  })

  it('is an option of that command after a dash, but not after `--`', () => {
    const options = wordsAfter('rotate', '-')
    assert.ok(options.includes('--accept-impact') && options.includes('--json'))
    assert.ok(!options.includes('--days'))
    assert.equal(wordsAfter('rotate', '--', '-'), 'materials')
  })

  it('is what an option takes: a choice, a file, a material, or what nobody knows', () => {
    assert.deepEqual(wordsAfter('rotate', '--reason', ''), ['manual', 'compromise'])
    assert.equal(wordsAfter('--config', ''), 'files')
    assert.equal(wordsAfter('import', 'chat-tls', '--key', '/etc/'), 'files')
    assert.equal(wordsAfter('rotate', '--accept-impact', 'v'), 'materials')
    assert.equal(wordsAfter('plan', '--days', ''), 'nothing')
  })

  it('is the same behind an equals sign, in one word or in the three that Bash makes of it', () => {
    const whole = after('rotate', '--reason=man')
    assert.deepEqual([whole.prefix, whole.start], ['--reason=', 'man'])
    const cut = after('rotate', '--reason', '=', 'man')
    assert.deepEqual([cut.prefix, cut.start], ['', 'man'])
    assert.deepEqual(cut.source, whole.source)
    assert.deepEqual(after('rotate', '--reason', '=').start, '')
    assert.equal(wordsAfter('rotate', '--unknown=x', ''), 'materials')
    assert.equal(wordsAfter('rotate', '--unknown=x'), 'nothing')
  })
})
