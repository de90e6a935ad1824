import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

export interface SmtpOptions {
  /** Offers STARTTLS with this key and certificate, PEM. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Offers AUTH PLAIN, and takes this one. */
  readonly login?: { readonly user: string; readonly password: string }
  /** What it answers to a command instead; undefined for what is usual. */
  readonly answer?: (command: string) => string | undefined
  /** How long it thinks before it says anything. Milliseconds. */
  readonly delay?: number
  /** Says nothing at all. */
  readonly silent?: boolean
}

/** A mail as it arrived, and how. */
export interface Received {
  readonly from: string
  readonly to: readonly string[]
  readonly content: string
  readonly encrypted: boolean
  readonly authenticated: boolean
}

/** A small SMTP server (RFC 5321, 3207, 4954) on a free port of this host, that keeps what it is sent. */
export async function startSmtpServer(options: SmtpOptions = {}) {
  const mails: Received[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    if (!options.silent) converse(socket, options, mails)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    mails: mails as readonly Received[],
    port: (server.address() as AddressInfo).port,
    stop() {
      for (const socket of sockets) socket.destroy()
      return new Promise<void>((resolve) => void server.close(() => resolve()))
    },
  }
}

function converse(plain: Socket, options: SmtpOptions, mails: Received[]): void {
  let socket: Socket = plain
  let text = ''
  let from = ''
  let to: string[] = []
  let authenticated = false
  let inData = false
  const encrypted = () => socket instanceof TLSSocket
  const say = (line: string) => {
    if (options.delay === undefined) return void socket.write(`${line}\r\n`)
    setTimeout(() => socket.write(`${line}\r\n`), options.delay)
  }
  const listen = () => {
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      for (;;) {
        const end = text.indexOf(inData ? '\r\n.\r\n' : '\r\n')
        if (end < 0) return
        const said = text.slice(0, end)
        text = text.slice(end + (inData ? 5 : 2))
        if (inData) takeMail(said)
        else obey(said)
      }
    })
  }
  const takeMail = (content: string) => {
    inData = false
    mails.push({ from, to, content, encrypted: encrypted(), authenticated })
    say('250 kept')
  }
  const obey = (command: string) => {
    const other = options.answer?.(command)
    if (other !== undefined) return say(other)
    const verb = command.split(/[ :]/)[0]?.toUpperCase()
    if (verb === 'EHLO') return greet()
    if (verb === 'STARTTLS' && options.tls) return upgrade(options.tls)
    if (verb === 'AUTH') return logIn(command)
    if (verb === 'MAIL') from = /<(.*?)>/.exec(command)?.[1] ?? ''
    if (verb === 'RCPT') to = [...to, /<(.*?)>/.exec(command)?.[1] ?? '']
    if (verb === 'DATA') {
      inData = true
      return say('354 go on')
    }
    say(verb === 'QUIT' ? '221 bye' : '250 ok')
  }
  const greet = () => {
    const offers = [
      ...(options.tls && !encrypted() ? ['STARTTLS'] : []),
      ...(options.login ? ['AUTH PLAIN'] : []),
      '8BITMIME',
    ]
    say(
      ['localhost', ...offers]
        .map((o, i) => `250${i === offers.length ? ' ' : '-'}${o}`)
        .join('\r\n'),
    )
  }
  const logIn = (command: string) => {
    const { user, password } = options.login ?? {}
    const given = Buffer.from(command.split(' ')[2] ?? '', 'base64').toString()
    authenticated = given === `\0${user}\0${password}`
    say(authenticated ? '235 welcome' : `535 not with ${given.replaceAll('\0', ' ')}`)
  }
  const upgrade = (tls: { readonly key: string; readonly cert: string }) => {
    say('220 go ahead')
    plain.removeAllListeners('data')
    socket = new TLSSocket(plain, { isServer: true, ...tls })
    listen()
  }
  listen()
  say('220 localhost')
}
