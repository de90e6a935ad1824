import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { statusPage } from '../../src/admin/status-page.ts'
import type { MaterialView } from '../../src/operations/views.ts'
import { emptyStatus } from '../fakes/fake-operations.ts'
import { scratchApp } from './scratch-app.ts'

const material: MaterialView = {
  name: 'chat-tls',
  kind: 'tls',
  state: 'needs_attention',
  reason: '<script>alert("1")</script> & \'more\'',
  schedule: 'on change',
  next_rotation: '2027-03-01T00:00:00.000Z',
  consecutive_failures: 0,
  versions: [],
  targets: [],
  consumers: [],
  drift: [{ where: 'target', place: '/etc/<b>', detail: 'something else' }],
}

describe('the status page', () => {
  it('shows every material, and nothing as markup', () => {
    const page = statusPage({ ...emptyStatus, materials: [material] })
    assert.match(page, /<td>chat-tls<\/td>/)
    assert.match(page, /2027-03-01T00:00:00\.000Z/)
    assert.match(page, /&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt; &amp; &#39;more&#39;/)
    assert.ok(!page.includes('<script') && !page.includes('<b>'))
  })

  it('says when the clock is not trusted', () => {
    const clock = { suspect: true, reason: 'it jumped' }
    assert.match(statusPage({ ...emptyStatus, clock }), /not trusted: it jumped/)
  })

  it('lets a browser load and send nothing', async () => {
    const { app } = scratchApp()
    const answer = await app.inject('/')
    await app.close()
    assert.match(String(answer.headers['content-type']), /^text\/html; charset=utf-8/)
    const policy = String(answer.headers['content-security-policy'])
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "form-action 'none'"]) {
      assert.ok(policy.includes(part))
    }
  })
})
