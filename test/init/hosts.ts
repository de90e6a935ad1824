import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { symlinkSync } from 'node:fs'
import { makeCertificate, ScratchHost } from './scratch-host.ts'

const authority = async () => {
  const { certificate, key } = await makeCertificate('ca.example.com', 900)
  return { certificate: new X509Certificate(certificate), key: createPrivateKey(key) }
}

/** A pair as web-push prints it. */
const vapidPair = () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { d = '', x = '', y = '' } = privateKey.export({ format: 'jwk' })
  const point = Buffer.concat([
    Buffer.of(4),
    Buffer.from(x, 'base64url'),
    Buffer.from(y, 'base64url'),
  ])
  return { privateKey: d, publicKey: point.toString('base64url') }
}

const berlin = { '/etc/timezone': 'Europe/Berlin\n' }

/** For each preset a host as packages and documentation of the system lay it out. */
export const hosts: Readonly<Record<string, () => Promise<ScratchHost>>> = {
  /** Its package, certbot, a federation CA, and a bot that holds the token. */
  async quicprochat() {
    const [server, federation, renewed] = await Promise.all([
      makeCertificate('chat.example.com', 20, await authority()),
      makeCertificate('chat.example.com', 300, await authority()),
      makeCertificate('federation CA', 900),
    ])
    return new ScratchHost().write({
      ...berlin,
      '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nqpc:x:998:998::/var/lib/quicprochat:/bin/false\n',
      '/usr/lib/systemd/system/qpc-server.service': `
        [Unit]
        Description=quicprochat
        [Service]
        User=qpc
        ExecStart=/usr/bin/qpc-server \\
          # a comment in between
          --config /etc/quicprochat/qpc-server.toml
        Restart=on-failure
      `,
      '/etc/systemd/system/qpc-server.service.d/override.conf':
        '[Service]\nEnvironmentFile=-/etc/quicprochat/secrets.env\n',
      '/etc/systemd/system/chat-bot.service':
        '[Service]\nExecStart=/usr/bin/chat-bot\nEnvironmentFile=/etc/qpc-bot/env\n',
      '/etc/quicprochat/qpc-server.toml': 'port = 7000\nauth_token = "abcdefgh/ijklmnop"\n',
      '/etc/quicprochat/secrets.env': `QPC_LOG=info\nQPC_DB_KEY="it's a key"\n`,
      '/etc/qpc-bot/env': "QPC_ACCESS_TOKEN='abcdefgh/ijklmnop'\n",
      '/etc/quicprochat/federation-ca.pem': renewed.certificate,
      '/etc/quicprochat/federation-ca-key.pem': renewed.key,
      '/var/lib/quicprochat/qpc.db': randomBytes(4096),
      '/var/lib/quicprochat/server-cert.der': server.der,
      '/var/lib/quicprochat/server-key.der': server.keyDer,
      '/var/lib/quicprochat/federation-cert.der': federation.der,
      '/var/lib/quicprochat/federation-key.der': federation.keyDer,
      '/etc/letsencrypt/live/chat/fullchain.pem': server.certificate,
      '/etc/letsencrypt/live/chat/privkey.pem': server.key,
    })
  },

  async pilcrow() {
    return new ScratchHost().write({
      ...berlin,
      '/etc/systemd/system/pilcrow.service': `
        [Service]
        User=pilcrow
        UMask=0077
        ExecStart=/usr/bin/pilcrow --address 127.0.0.1 --port=8080 "--database-url=sqlite:///var/lib/pilcrow/pilcrow.db" --umask 0027
      `,
    })
  },

  /** 0.1.2, alone. */
  async quptime() {
    const id = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff'
    const { certificate, key } = await makeCertificate(id, 3600)
    return new ScratchHost().write({
      ...berlin,
      '/etc/systemd/system/quptime.service': `
        [Service]
        Type=simple
        User=quptime
        Environment=QUPTIME_DIR=/etc/quptime
        ExecStart=/usr/local/bin/qu serve
      `,
      '/etc/quptime/node.yaml': `node_id: ${id}\nbind_addr: 0.0.0.0\nbind_port: 9901\ncluster_secret: c2VjcmV0LXNlY3JldC1zZWNyZXQ=\n`,
      '/etc/quptime/cluster.yaml': `version: 3\npeers:\n  - node_id: ${id}\n    advertise: a.example.com:9901\n`,
      '/etc/quptime/keys/private.pem': key,
      '/etc/quptime/keys/public.pem': 'no matter\n',
      '/etc/quptime/keys/cert.pem': certificate,
    })
  },

  /** The Debian package, keys in server.yml. */
  async ntfy() {
    const { privateKey, publicKey } = vapidPair()
    return new ScratchHost().write({
      ...berlin,
      '/lib/systemd/system/ntfy.service': `
        [Service]
        User=ntfy
        ExecStart=/usr/bin/ntfy serve --no-log-dates
        ExecReload=/bin/kill --signal HUP $MAINPID
      `,
      '/etc/ntfy/server.yml': `
        # ntfy server config file
        base-url: "https://ntfy.example.com"
        listen-http: ":2586"
        auth-file: /var/lib/ntfy/user.db
        web-push-public-key: ${publicKey}
        web_push_private_key: ${privateKey}
      `,
    })
  },

  /** In Compose: the keys in .env, taken by the service. */
  async 'web-push'() {
    const { privateKey, publicKey } = vapidPair()
    return new ScratchHost().write({
      ...berlin,
      '/srv/forum/compose.yaml': `
        services:
          db:
            image: postgres:17
          web:
            image: registry.example.com/forum:3
            env_file:
              - path: .env
            environment:
              - NODE_ENV=production
            ports: ["127.0.0.1:3000:3000"]
      `,
      '/srv/forum/.env': `VAPID_PRIVATE_KEY=${privateKey}\nVITE_VAPID_PUBLIC_KEY=${publicKey}\n`,
    })
  },

  /** From source, as its documentation says. */
  async mastodon() {
    const { privateKey, publicKey } = vapidPair()
    const unit = (start: string, more = '') =>
      `[Service]\nUser=mastodon\nWorkingDirectory=/home/mastodon/live\n${more}ExecStart=${start}\n`
    return new ScratchHost().write({
      ...berlin,
      '/etc/systemd/system/mastodon-web.service': unit(
        '/home/mastodon/.rbenv/shims/bundle exec puma -C config/puma.rb',
        'Environment="RAILS_ENV=production"\nEnvironment="PORT=3000"\nExecReload=/bin/kill -SIGUSR1 $MAINPID\n',
      ),
      '/etc/systemd/system/mastodon-sidekiq.service': unit(
        '/home/mastodon/.rbenv/shims/bundle exec sidekiq -c 25',
      ),
      '/home/mastodon/live/lib/mastodon/version.rb':
        'module Mastodon\n  module Version\n    def major\n      4\n    end\n\n    def minor\n      4\n    end\n  end\nend\n',
      '/home/mastodon/live/.env.production': `
        # Generated with mastodon:setup
        LOCAL_DOMAIN=social.example.com
        SECRET_KEY_BASE=${randomBytes(64).toString('hex')}
        OTP_SECRET=${randomBytes(64).toString('hex')}
        VAPID_PRIVATE_KEY=${privateKey}=
        VAPID_PUBLIC_KEY=${publicKey}=
        SMTP_FROM_ADDRESS=Mastodon <notifications@social.example.com>
      `,
    })
  },

  /** One site by certbot, one self-signed, one by a CA that nobody names. */
  async nginx() {
    const [site, own, bought] = await Promise.all([
      makeCertificate('www.example.com', 60, await authority()),
      makeCertificate('intern.example.com', 200),
      makeCertificate('shop.example.com', 100, await authority()),
    ])
    const host = new ScratchHost().write({
      ...berlin,
      '/lib/systemd/system/nginx.service': `
        [Service]
        Type=forking
        ExecStartPre=/usr/sbin/nginx -t -q -g 'daemon on; master_process on;'
        ExecStart=/usr/sbin/nginx -g 'daemon on; master_process on;'
        ExecReload=/usr/sbin/nginx -g 'daemon on; master_process on;' -s reload
      `,
      '/etc/nginx/nginx.conf': `
        events { worker_connections 768; }
        http {
          log_format main '$remote_addr "{$request}"; #no comment';
          include /etc/nginx/conf.d/*.conf;
          include sites-enabled/*;
        }
      `,
      '/etc/nginx/conf.d/shop.conf': `
        server {
          listen 8443 ssl;
          server_name shop.example.com;
          ssl_certificate tls/shop.pem;   # relative to the folder of nginx.conf
          ssl_certificate_key "tls/shop.key";
        }
      `,
      '/etc/nginx/sites-available/default': `
        server { listen 80; server_name www.example.com; return 301 https://$host$request_uri; }
        server {
          listen [::]:443 ssl http2;
          server_name www.example.com example.com;
          ssl_certificate /etc/letsencrypt/live/www.example.com/fullchain.pem;
          ssl_certificate_key /etc/letsencrypt/live/www.example.com/privkey.pem;
        }
        server {
          listen 443 ssl;
          server_name intern.example.com;
          ssl_certificate /etc/ssl/intern.pem;
          ssl_certificate_key /etc/ssl/private/intern.key;
        }
      `,
      '/etc/nginx/tls/shop.pem': bought.certificate,
      '/etc/nginx/tls/shop.key': bought.key,
      '/etc/letsencrypt/live/www.example.com/fullchain.pem': site.certificate,
      '/etc/letsencrypt/live/www.example.com/privkey.pem': site.key,
      '/etc/ssl/intern.pem': own.certificate,
      '/etc/ssl/private/intern.key': own.key,
      '/etc/nginx/sites-enabled/.keep': '',
    })
    symlinkSync('/etc/nginx/sites-available/default', host.path('/etc/nginx/sites-enabled/default'))
    return host
  },

  async generic() {
    return new ScratchHost().write(berlin)
  },
}
