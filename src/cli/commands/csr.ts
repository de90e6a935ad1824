import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { fileError } from '../../support/file-error.ts'
import { hasCode, OperatorError } from '../../support/operator-error.ts'
import type { Session } from '../session/session.ts'

export function addCsr(program: Command, session: Session): void {
  program
    .command('csr')
    .description('make a key, and print the certificate request for it (PEM)')
    .argument('<name>', 'material of kind tls with issuer: csr')
    .option('--out <file>', 'write it to a new file')
    .action(async (name: string, { out }: { readonly out?: string }) => {
      const csr = await session.connected((operations) => operations.csr(name, session.caller()))
      if (out === undefined) return session.answer({ material: name, csr }, () => csr)
      const path = resolve(session.terminal.directory, out)
      await write(path, csr)
      session.answer({ material: name, out: path }, () => {
        return `${name}: wrote ${path}; then \`rekeyd import ${name} --certificate FILE\`\n`
      })
    })
}

async function write(path: string, csr: string): Promise<void> {
  try {
    await writeFile(path, csr, { flag: 'wx', mode: 0o644 })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw fileError(error, 'write', path)
    throw new OperatorError(`${path} exists already`, {
      hint: 'give --out a file that does not exist; nothing is written over',
    })
  }
}
