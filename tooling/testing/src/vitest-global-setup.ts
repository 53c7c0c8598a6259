import { poolVariable, ServerPool, servePool } from './server-pool.js'

/** Runs once for a whole test run: offers its servers to the workers, and ends them when the run is over. */
export async function setup(): Promise<() => Promise<void>> {
  const pool = new ServerPool()
  const served = await servePool(pool)
  process.env[poolVariable] = served.url
  return async () => {
    delete process.env[poolVariable]
    await served.close()
    await pool.close()
  }
}
