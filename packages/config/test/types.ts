// Checked by the compiler alone.
import {
  boolean,
  type Config,
  choice,
  duration,
  group,
  integer,
  loadConfig,
  type Secret,
  type Section,
  secret,
  section,
  text,
} from '../src/index.js'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function is<_Claim extends true>(): void {}

const shop = section({
  title: 'Shop',
  about: '',
  switch: 'SHOP_ENABLED',
  fields: {
    backend: choice('SHOP_BACKEND', ['memory', 'redis'], { meaning: '', default: 'memory' }),
    ttl: duration('SHOP_TTL', { meaning: '', default: '5m' }),
    size: integer('SHOP_SIZE', { meaning: '' }),
    open: boolean('SHOP_OPEN', { meaning: '', default: true }),
    redis: group({
      when: { backend: ['redis'] },
      fields: {
        password: secret('SHOP_PASSWORD', { meaning: '', required: true }),
        name: text('SHOP_NAME', { meaning: '' }),
      },
    }),
    joined: group({
      when: { backend: ['redis'] },
      fields: { a: integer('SHOP_A', { meaning: '', default: 1 }) },
      resolve: ({ a }) => ({ twice: a * 2 }),
    }),
  },
  rules: [
    {
      id: 'prod-shop',
      severity: 'fault',
      variables: ['SHOP_BACKEND'],
      problem: '',
      remedy: '',
      broken: ({ backend, enabled }) => enabled && backend === 'memory',
    },
  ],
})

const config = loadConfig({ env: {}, sections: { shop } })
is<Same<typeof config, Config<{ readonly shop: typeof shop }>>>()
is<Same<typeof config.shop.backend, 'memory' | 'redis'>>()
is<Same<typeof config.shop.ttl, number>>()
is<Same<typeof config.shop.size, number | undefined>>()
is<Same<typeof config.shop.enabled, boolean>>()
is<Same<typeof config.shop.redis, { readonly password: Secret; readonly name: string | undefined } | undefined>>()
is<Same<typeof config.shop.joined, { twice: number } | undefined>>()

// @ts-expect-error a misspelt section
config.shopp
// @ts-expect-error a value is read-only
config.shop.backend = 'redis'
// @ts-expect-error no choice of this field
config.shop.backend === 'reddis'
// @ts-expect-error a default must be one of the choices
choice('SHOP_BACKEND', ['memory', 'redis'], { meaning: '', default: 'reddis' })
// @ts-expect-error an option that does not exist
integer('SHOP_SIZE', { meaning: '', maximum: 3 })
// @ts-expect-error a variable without a meaning
text('SHOP_NAME', {})
// @ts-expect-error a secret has no default
secret('SHOP_KEY', { meaning: '', default: 'hunter2' })

interface WrongSettings {
  readonly enabled: boolean
  readonly backend: 'memory'
}
// @ts-expect-error the settings promise less than what is read
const wrong: Section<WrongSettings> = shop
void wrong
