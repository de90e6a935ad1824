import { dirname, join } from 'node:path'
import { type FoundCertificate, readCertificate } from './found-certificate.ts'
import type { Host } from './host.ts'
import type { MaterialDraft, Rotation } from './preset.ts'
import { type Flow, flow } from './yaml-flow.ts'

const live = '/etc/letsencrypt/live'

/** Where a certificate comes from, and what that means for its schedule. */
export interface Origin {
  readonly issuer: string
  readonly rotate: Rotation
  /** What the operator has to know; one line. */
  readonly about: string
  /** `names` where the issuer wants them. */
  readonly names: readonly string[]
}

/** Files of certbot that hold a certificate for one of these names. */
function certbotFiles(host: Host, names: readonly string[]) {
  for (const name of host.names(live)) {
    const certificate = join(live, name, 'fullchain.pem')
    const found = host.stats(certificate) && readCertificate(host, certificate)
    if (!found?.names.some((one) => names.includes(one))) continue
    return { certificate, key: join(live, name, 'privkey.pem'), found }
  }
  return undefined
}

/**
 * certbot, the certificate itself, or a CA elsewhere.
 * @param served what clients ask for, where the certificate does not say
 */
export function originOf(
  host: Host,
  present: FoundCertificate | undefined,
  served: readonly string[] = [],
): Origin {
  const { names: own = [], selfSigned = false, fingerprint } = present ?? {}
  const certbot = certbotFiles(host, own)
  if (certbot) {
    const same = certbot.found.fingerprint === fingerprint
    return certbotOrigin(host, certbot, same ? 'same' : 'older')
  }
  const names = [own, served].find((list) => list.length > 0) ?? ['localhost']
  return { ...withoutCertbot(selfSigned), names, rotate: { beforeExpiry: 30, present } }
}

function withoutCertbot(selfSigned: boolean): Pick<Origin, 'issuer' | 'about'> {
  return selfSigned
    ? { issuer: 'self_signed', about: 'Self-signed: clients that pin it need the new one first.' }
    : { issuer: 'csr', about: unknownSigner }
}

const unknownSigner =
  'Who signs it is not known: when it is due, `rekeyd csr` makes the request, `rekeyd import` takes the answer.'

/** @param present how it compares with what the consumer uses */
export function certbotOrigin(
  host: Host,
  { certificate, key }: { readonly certificate: string; readonly key: string },
  present: 'same' | 'older' | 'absent',
): Origin {
  return {
    issuer: flow({ files: { certificate: host.here(certificate), key: host.here(key) } }),
    rotate: { onChange: true, present },
    about: `certbot renews it in ${dirname(certificate)}; rekeyd takes each new one over.`,
    names: [],
  }
}

/** A tls material, ten lines with its name. @param targets lines */
export function tlsMaterial(
  name: string,
  origin: Origin,
  rest: {
    readonly targets: readonly string[]
    readonly consumers: readonly string[]
    readonly verify: string
  },
): MaterialDraft {
  const names = origin.names.length === 0 ? [] : [`names: ${flow(origin.names)}`]
  return {
    name,
    about: [origin.about],
    kind: 'tls',
    rotate: origin.rotate,
    lines: [
      `issuer: ${origin.issuer}`,
      ...names,
      'targets:',
      ...rest.targets,
      `consumers: ${flow(rest.consumers)}`,
      `verify: ${rest.verify}`,
    ],
  }
}

/**
 * A target for a file that is there. It keeps owner and mode, unless others may read a key that its owner, who
 * runs the service, alone needs.
 * @param uid of the service; undefined when that is not known
 */
export function fileTarget(
  host: Host,
  path: string,
  options: { readonly part: string; readonly format: string },
  uid?: number,
): { readonly line: string; readonly exposed: boolean } {
  const stats = host.stats(path)
  const open = options.part === 'private_key' && stats !== undefined && (stats.mode & 0o007) !== 0
  const closable = open && stats.uid === uid
  const target: Record<string, Flow> = { path: host.here(path), ...options }
  if (closable) target['mode'] = '0600'
  return { line: `  - file: ${flow(target)}`, exposed: open && !closable }
}

/** The number of an account of that host; root where none is named. */
export function userIdOf(host: Host, user: string | undefined): number | undefined {
  if (user === undefined || user === 'root') return 0
  if (/^\d+$/.test(user)) return Number(user)
  const rows = (host.text('/etc/passwd') ?? '').split('\n').map((line) => line.split(':'))
  const uid = rows.find(([name]) => name === user)?.[2]
  return uid === undefined ? undefined : Number(uid)
}
