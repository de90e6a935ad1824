import type { Scraped } from '../../src/admin/scraped.ts'

/** Metrics that say what a test wants. */
export class FakeScraped implements Scraped {
  state: ReturnType<Scraped['health']> = 'ticking'
  failure: Error | undefined

  async render() {
    if (this.failure) throw this.failure
    return { contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }
  }

  health() {
    return this.state
  }
}
