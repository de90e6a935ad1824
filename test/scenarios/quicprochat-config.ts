import type { QuicprochatHost } from './quicprochat-host.ts'
import { alpn } from './stand-ins/qpc-transport.ts'

/** One config for all six rows of quicprochat's rotation table. JSON is YAML, too. */
export function quicprochatConfig({
  path,
  ports,
  command,
  probe,
  bot,
  pidFile,
  log,
}: QuicprochatHost) {
  const quic = (port: number, protocol: string) =>
    `quic: { connect: "127.0.0.1:${port}", servername: chat.example.com, alpn: ${protocol} }`
  const clients = quic(ports.clients, alpn.clients)
  return `
consumers:
  chat-server:
    process: { pid_file: ${pidFile}, log: ${log}, start: ${JSON.stringify(command)} }
    apply: restart
    ready: [{ ${clients} }]
    timeouts: { stop: 20s, start: 20s, ready: 10s }
    dwell: 1s
  chat-bot:
    command: { restart: ${JSON.stringify(bot)} }
    apply: restart
    dwell: 1s
materials:
  chat-auth-token:
    kind: token
    bytes: 32
    alphabet: base64url
    rotate: { every: 90d }
    targets:
      - toml: { path: ${path('data/qpc-server.toml')}, pointer: /auth_token }
      - env: { path: ${path('bot/bot.env')}, key: QPC_ACCESS_TOKEN, dialect: systemd }
    consumers: [chat-server, chat-bot]
    verify: [{ command: { run: ${JSON.stringify(probe)}, refuses: ${JSON.stringify([...probe, '--refused'])} } }]
    impact: All sessions drop at the restart; remote bearer clients fail until they have the new token.
  chat-tls:
    kind: tls
    issuer: { files: { certificate: ${path('live/fullchain.pem')}, key: ${path('live/privkey.pem')} } }
    names: [chat.example.com]
    rotate: on_change
    targets:
      - file: { path: ${path('data/server-cert.der')}, part: certificate, format: der, mode: "0644" }
      - file: { path: ${path('data/server-key.der')}, part: private_key, format: pkcs8-der, mode: "0600" }
    consumers: [chat-server]
    verify: [{ ${clients} }]
  federation-tls:
    kind: tls
    issuer: { ca: { certificate: ${path('ca/federation.pem')}, key: ${path('ca/federation.key')} } }
    names: [chat.example.com]
    lifetime: 365d
    rotate: { before_expiry: 60d }
    targets:
      - file: { path: ${path('data/federation-cert.der')}, part: certificate, format: der }
      - file: { path: ${path('data/federation-key.der')}, part: private_key, format: pkcs8-der, mode: "0600" }
    consumers: [chat-server]
    verify: [{ ${quic(ports.federation, alpn.federation)} }]
  db-key:
    kind: database-key
    form: passphrase
    rotate: { every: 365d }
    keep: 400d
    contains: [opaque-setup, signing-key]
    targets:
      - sqlcipher: { path: ${path('data/qpc.db')}, cipher: 4 }
      - env: { path: ${path('data/secrets.env')}, key: QPC_DB_KEY, dialect: systemd }
    consumers: [chat-server]
    verify: [{ sqlcipher: {} }]
  opaque-setup:
    kind: consumer-made
    rotate: on_compromise
    reset: { sqlite_row: { path: ${path('data/qpc.db')}, db_key: { material: db-key }, table: server_state, where: { key: opaque_setup } } }
    impact: Every OPAQUE user must register again.
  signing-key:
    kind: consumer-made
    rotate: on_compromise
    reset: { sqlite_row: { path: ${path('data/qpc.db')}, db_key: { material: db-key }, table: server_state, where: { key: signing_key_seed } } }
    impact: Old delivery proofs verify with the archived key only.
`
}
