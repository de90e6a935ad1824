import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { signCertificate } from '../../src/formats/certificate-issuance.ts'
import { generatePrivateKey } from '../../src/formats/key-algorithm.ts'
import { covers, normalizeSubjectName, subjectNames } from '../../src/formats/subject-name.ts'

async function certificateFor(...names: string[]) {
  const key = await generatePrivateKey('ed25519')
  const times = { notBefore: 0, notAfter: Date.UTC(9999, 11, 31, 23, 59, 59) }
  const attributes = [['CN', 'common.example']] as const
  return new X509Certificate(
    await signCertificate({ attributes, names, key, ...times, keyIdentifiers: true }),
  )
}

describe('names of certificates', () => {
  it('are lower-case ASCII, or IP addresses as they were written', () => {
    const table = {
      'Chat.Example.COM': 'chat.example.com',
      'bücher.example': 'xn--bcher-kva.example',
      '*.Example.org': '*.example.org',
      localhost: 'localhost',
      '192.0.2.1': '192.0.2.1',
      '2001:db8::1': '2001:db8::1',
    }
    for (const [given, normal] of Object.entries(table)) {
      assert.equal(normalizeSubjectName(given), normal)
    }
    for (const wrong of [
      '',
      '.',
      'a..b',
      'a.*.b',
      '*',
      '**.a',
      'a b',
      'a/b',
      'a%62',
      'a\tb',
      'a?b',
      'a\\b',
      '1.2.3',
      'fe80::1%eth0',
      'x'.repeat(64),
    ]) {
      assert.equal(normalizeSubjectName(wrong), undefined, wrong)
    }
  })

  it('cover what a client asks for, and the common name covers nothing', async () => {
    const certificate = await certificateFor(
      'chat.example.com',
      '*.example.org',
      '192.0.2.1',
      '::1',
    )
    for (const name of [
      'chat.example.com',
      '*.example.org',
      'a.example.org',
      '192.0.2.1',
      '::1',
      '0::1',
    ]) {
      assert.ok(covers(certificate, name), name)
    }
    for (const name of [
      'example.com',
      '*.example.com',
      'a.b.example.org',
      '192.0.2.2',
      'common.example',
    ]) {
      assert.ok(!covers(certificate, name), name)
    }
  })

  it('are listed in the order of the certificate', async () => {
    const names = ['b.example', 'a.example', '192.0.2.1']
    assert.deepEqual(subjectNames(await certificateFor(...names)), names)
    assert.deepEqual(subjectNames(await certificateFor()), [])
    const many = Array.from({ length: 10_000 }, (_, index) => `host${index}.example`)
    assert.equal(subjectNames(await certificateFor(...many)).length, many.length)
  })
})
