import type { CliParts } from '../../src/cli/session/parts.ts'
import type { Config } from '../../src/config/config.ts'
import type { Survey } from '../../src/init/init.ts'
import { alreadyThere } from '../../src/init/write-config.ts'
import { OperatorError } from '../../src/support/operator-error.ts'

const path = '/etc/rekeyd/rekeyd.yaml'

const survey: Survey = {
  found: [
    { what: 'qpc-server.service', where: '/usr/lib/systemd/system/qpc-server.service' },
    { what: 'the database', where: '/var/lib/quicprochat/qpc.db' },
  ],
  unknown: ['which ALPN the server speaks, so its rotations are not proved'],
  materials: [
    { name: 'chat-tls', kind: 'tls', when: 'when its issuer renews it' },
    { name: 'db-key', kind: 'database-key', date: '2027-01-08' },
  ],
  notBefore: '2027-01-08',
  files: [{ name: 'rotate.service', text: '[Service]\nType=oneshot\n' }],
  text: (recipients) => `recovery: { recipients: [${recipients.join()}] }\nmaterials: {}\n`,
}

/** A host with a quicprochat; where the config already is, when `present`; `stored`: its store, too. */
export function fakeInit({ present = false, stored = false } = {}): Partial<CliParts> {
  const config = { path, stateDir: '/var/lib/rekeyd' } as Config
  return {
    async draftConfig(_, { preset, root, force }) {
      if (present && !force) throw alreadyThere(path)
      if (preset === 'quicprochat') return { path, survey }
      const hint = 'where its files lie elsewhere, name their root with --root DIR'
      throw new OperatorError(`there is no ${preset} below ${root}`, { hint })
    },
    writeConfig: async () => (present ? `${path}.bak` : undefined),
    isRecipient: async (text) => /^age1\w{9}$/.test(text),
    loadConfig: async () => config,
    async createStore() {
      if (stored) throw new OperatorError('there is one', { kind: 'refused' })
    },
  }
}
