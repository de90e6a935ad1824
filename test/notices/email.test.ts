import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { email } from '../../src/notices/email.ts'
import { type Behaviour, describeChannel } from '../contracts/channel.ts'
import { type SmtpOptions, startSmtpServer } from '../fakes/smtp-server.ts'
import { testCertificate } from '../fakes/test-certificate.ts'
import { needs } from '../support/parts.ts'
import { noticeLike } from './sample.ts'

const password = 'canary-hunter2'

describeChannel('email', async (behaviour) => {
  const folder = mkdtempSync(join(tmpdir(), 'rekeyd-email-'))
  const file = join(folder, 'password')
  writeFileSync(file, `${password}\n`)
  const server = await startSmtpServer(optionsFor(behaviour))
  const options = email.schema.parse({
    host: '127.0.0.1',
    port: server.port,
    from: 'rekeyd@example.com',
    to: ['ops@example.com'],
    user: 'rekeyd',
    password: { file },
  })
  return {
    channel: email.create(options),
    get taken() {
      return server.mails.map(({ content }) => readable(content))
    },
    astray: [],
    secrets: [password, Buffer.from(`\0rekeyd\0${password}`).toString('base64')],
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true })
    },
  }
})

function optionsFor(behaviour: Behaviour): SmtpOptions {
  const login = { user: 'rekeyd', password }
  let failures = 1
  const answers: Partial<Record<Behaviour, (command: string) => string | undefined>> = {
    refuses: (command) => (command.startsWith('AUTH') ? `535 no, not ${command}` : undefined),
    garbage: () => '\u0001\u0002 what?',
    // The nearest that SMTP has: 551 names where the user is instead.
    redirects: (command) =>
      command.startsWith('RCPT') ? '551 try <elsewhere@example.net>' : undefined,
    'fails once': (command) =>
      command.startsWith('RCPT') && failures-- > 0 ? '451 later' : undefined,
  }
  const answer = answers[behaviour]
  return {
    login,
    silent: behaviour === 'hangs',
    ...(behaviour === 'slow' && { delay: 150 }),
    ...(answer && { answer }),
  }
}

/** A mail without its transfer encoding. */
function readable(content: string): string {
  const [head = '', ...body] = content.split('\r\n\r\n')
  const text = body.join('\r\n\r\n')
  const unfolded = head.replace(/\r\n[ \t]/g, ' ')
  if (/quoted-printable/i.test(head)) {
    const bytes = text
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
    return `${unfolded}\r\n\r\n${Buffer.from(bytes, 'latin1').toString()}`
  }
  if (!/base64/i.test(head)) return `${unfolded}\r\n\r\n${text}`
  return `${unfolded}\r\n\r\n${Buffer.from(text, 'base64').toString()}`
}

describe('the e-mail channel', () => {
  let folder: string
  let server: Awaited<ReturnType<typeof startSmtpServer>>
  const signal = AbortSignal.timeout(60_000)
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-email-'))
  })
  afterEach(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const send = (options: object = {}, notice = noticeLike()) => {
    const common = { host: '127.0.0.1', port: server.port, from: 'rekeyd@example.com' }
    const parsed = email.schema.parse({ ...common, to: ['a@example.com'], ...options })
    return email.create(parsed).send(notice, signal)
  }

  it('writes a plain mail to every receiver, and says that a machine wrote it', async () => {
    server = await startSmtpServer()
    await send({ to: ['a@example.com', 'b@example.com'] })
    const [{ from, to, content, encrypted } = assert.fail()] = server.mails
    assert.deepEqual([from, to], ['rekeyd@example.com', ['a@example.com', 'b@example.com']])
    assert.equal(encrypted, false)
    const mail = readable(content)
    assert.match(
      mail,
      /^Subject: \[rekeyd chat-1\] chat-tls is suspended: it is not tried any more$/m,
    )
    assert.match(mail, /^Auto-Submitted: auto-generated$/m)
    assert.match(mail, /^Message-ID: <msg_1@example\.com>$/im)
    assert.match(mail, /Try again: `rekeyd resume chat-tls`/)
  })

  it('cannot be made to write another header', async () => {
    server = await startSmtpServer()
    await send({}, noticeLike({ title: 'x\r\nBcc: eve@example.com', host: 'h\r\nX-Evil: 1' }))
    const [head = ''] = (server.mails[0]?.content ?? '').split('\r\n\r\n')
    assert.doesNotMatch(head, /^(bcc|x-evil):/im)
    assert.deepEqual(server.mails[0]?.to, ['a@example.com'])
  })

  it('logs in only once the connection is encrypted', needs('openssl'), async () => {
    const tls = testCertificate()
    server = await startSmtpServer({ tls, login: { user: 'rekeyd', password } })
    const login = { user: 'rekeyd', password: { file: file('password', password) } }
    await send({ ...login, tls: 'starttls', ca: file('ca.pem', tls.cert) })
    assert.equal(server.mails[0]?.encrypted, true)
    assert.equal(server.mails[0]?.authenticated, true)
  })

  it('sends nothing where encryption is not offered', async () => {
    const commands: string[] = []
    server = await startSmtpServer({
      login: { user: 'rekeyd', password },
      answer: (command) => void commands.push(command),
    })
    const login = { user: 'rekeyd', password: { file: file('password', password) } }
    await assert.rejects(send({ ...login, tls: 'starttls' }), /127\.0\.0\.1 did not take the mail/)
    assert.deepEqual(server.mails, [])
    assert.ok(!commands.some((command) => /^(AUTH|MAIL)/.test(command)), commands.join())
  })

  it('trusts no certificate but one that holds, at STARTTLS', needs('openssl'), async () => {
    server = await startSmtpServer({ tls: testCertificate() })
    await assert.rejects(send({ tls: 'starttls' }), /did not take the mail/)
    assert.deepEqual(server.mails, [])
  })
})
