import type { Preset } from '../preset.ts'
import { assumedUnit, consumerOf } from '../runner.ts'
import { flow } from '../yaml-flow.ts'

const unitName = 'my-app.service'
const path = '/etc/my-app/env'

/** A config to begin with where no preset fits: a token in a file of environment variables. */
export const generic: Preset = {
  summary: 'any service: a token in its environment file, with three names to replace',
  looksFor: 'nothing',
  async survey(host) {
    return {
      found: [],
      unknown: [
        `which unit reads the token: replace \`${unitName}\``,
        `which file and variable hold it: replace \`${path}\` and \`MY_APP_TOKEN\``,
        'how to ask the service whether it takes a token: replace `verify: none`, or rotations are not proved',
      ],
      consumers: [consumerOf(host, 'my-app', assumedUnit(unitName))],
      materials: [
        {
          name: 'my-app-token',
          about: [
            'Nothing happens before the names are right: what is not there is refused, never made.',
            'Other kinds, places and proofs: deploy/examples/reference.yaml.',
          ],
          kind: 'token # or vapid, tls, ed25519, database-key, command',
          rotate: { every: '90d' },
          lines: [
            'targets:',
            `  - env: ${flow({ path, key: 'MY_APP_TOKEN', dialect: 'systemd' })} # or toml, yaml, json, file`,
            'consumers: [my-app]',
            'verify: none # better: [{ http: { url: "http://127.0.0.1:8080/me", bearer: true } }]',
          ],
        },
      ],
    }
  },
}
