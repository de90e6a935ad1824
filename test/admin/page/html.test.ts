import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { html } from '../../../src/admin/page/html.ts'

describe('html', () => {
  it('escapes whatever is put in, for text and for attributes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const shown = String(html`<p title="${text}">${text}</p>`)
        assert.ok(!/[<>"']/.test(shown.slice('<p title="'.length, shown.indexOf('">'))))
        const inside = shown.slice(shown.indexOf('">') + 2, -'</p>'.length)
        assert.ok(!/[<>"']/.test(inside))
        assert.equal(unescape(inside), text)
      }),
    )
  })

  it('keeps HTML, joins lists, and shows nothing of what is absent', () => {
    const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`)
    const list = html`<ul>${items}${undefined}${false}${0}</ul>`
    assert.equal(String(list), '<ul><li>a</li><li>&lt;b&gt;</li>0</ul>')
  })
})

/** By hand, and not by the code under test. */
function unescape(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
