import { readFileSync } from 'node:fs'

/**
 * What `EnvironmentFile=` gives a service: systemd.exec(5). Comments, quotes of both kinds, the last assignment
 * wins. Enough for values that need no escape sequences.
 */
export function systemdEnvironment(path: string): Readonly<Record<string, string>> {
  const environment: Record<string, string> = {}
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (/^\s*[#;]/.test(line)) continue
    const [, name, raw] = /^\s*(\w+)=(.*?)\s*$/.exec(line) ?? []
    if (name === undefined || raw === undefined) continue
    const [, , quoted] = /^(["'])(.*)\1$/.exec(raw) ?? []
    environment[name] = quoted?.replace(/\\(.)/g, '$1') ?? raw
  }
  return environment
}
