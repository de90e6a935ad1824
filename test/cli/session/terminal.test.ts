import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { userOf } from '../../../src/cli/session/terminal.ts'
import { accountName } from '../../../src/support/account-name.ts'

describe('who asks', () => {
  it('is the person behind sudo', () => {
    assert.equal(userOf({ SUDO_USER: 'eve' }, 0), 'eve')
  })

  it('is the account itself for anybody but root: SUDO_USER may be made up', () => {
    assert.equal(userOf({ SUDO_USER: 'eve' }, 1000), accountName())
    assert.equal(userOf({}, 0), accountName())
  })

  it('is no text that would look like something else in the audit log', () => {
    assert.equal(userOf({ SUDO_USER: 'eve\ncli:root' }, 0), accountName())
  })
})
