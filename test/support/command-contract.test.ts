import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { askCommand, doCommand } from '../../src/support/command-contract.ts'

const signal = new AbortController().signal
const run = (text: string, timeout = 10_000) => ({
  argv: ['/bin/sh', '-c', text],
  signal,
  timeout,
})

describe('the command contract', () => {
  it('takes exit 0 for yes and 1 for no', async () => {
    assert.equal(await askCommand(run('exit 0')), 'yes')
    assert.equal(await askCommand(run('exit 1')), 'no')
  })

  it('takes every other end for "could not tell"', async () => {
    await assert.rejects(askCommand(run('exit 75')), {
      message: '/bin/sh could not tell (exit 75)',
    })
    await assert.rejects(askCommand(run('exit 2')), { message: '/bin/sh failed (exit 2)' })
    await assert.rejects(askCommand(run('kill -9 $$')), { message: '/bin/sh was ended by SIGKILL' })
    await assert.rejects(askCommand(run('sleep 60', 100)), {
      message: '/bin/sh did not end within 100ms',
    })
  })

  it('does not take the exit 0 of a program that was timed out for a yes', async () => {
    await assert.rejects(askCommand(run("trap 'exit 0' TERM; sleep 60 & wait", 200)))
  })

  it('takes only exit 0 for done', async () => {
    await doCommand(run('exit 0'))
    await assert.rejects(doCommand(run('exit 1')), { message: '/bin/sh said no (exit 1)' })
    await assert.rejects(doCommand(run('exit 75')))
  })

  it('repeats neither arguments nor output', async () => {
    await assert.rejects(askCommand(run('echo canary >&2; exit 2')), (error: Error) => {
      return !JSON.stringify(error, Object.getOwnPropertyNames(error)).includes('canary')
    })
  })
})
