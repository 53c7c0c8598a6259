import {
  boolean,
  choice,
  duration,
  type Group,
  group,
  integer,
  list,
  type ProductionRule,
  type Secret,
  type Section,
  secret,
  section,
  text,
  url,
} from '@plinth/config'

/** What the environment says about email. */
export interface EmailSettings {
  readonly enabled: boolean
  readonly required: boolean
  readonly transport: 'outbox' | 'console' | 'memory' | 'postmark' | 'smtp'
  readonly senderAddress: string
  readonly senderName: string | undefined
  readonly timeoutMs: number
  readonly maxRetries: number
  readonly trackOpens: boolean | undefined
  readonly trackLinks: 'none' | 'html' | 'text' | 'html-and-text' | undefined
  /** Addresses that get all mail instead of its recipients. */
  readonly interceptTo: readonly string[]
  /** Addresses and `@domains` that alone get mail; all do when it is empty. */
  readonly allowList: readonly string[]
  /** With transport `outbox`. */
  readonly outbox: { readonly directory: string } | undefined
  /** With transport `postmark`. */
  readonly postmark: PostmarkSettings | undefined
  /** With transport `smtp`. */
  readonly smtp: { readonly url: Secret } | undefined
}

/** What the environment says about Postmark. */
export interface PostmarkSettings {
  readonly serverToken: Secret
  /** What Postmark's webhooks must present; absent when no webhooks are received. */
  readonly webhook: WebhookCredentials | undefined
}

/** User name and passwords of webhooks; the second password is accepted while the first replaces it. */
export interface WebhookCredentials {
  readonly username: string
  readonly password: Secret
  readonly previousPassword: Secret | undefined
}

const ADDRESS = /^[^\s@,;<>"]{1,64}@[^\s@,;<>"]{1,255}$/
const ADDRESS_OR_DOMAIN = /^[^\s@,;<>"]{0,64}@[^\s@,;<>"]{1,255}$/

function postmarkGroup(): Group<PostmarkSettings> {
  return group({
    when: { transport: ['postmark'] },
    fields: {
      serverToken: secret('POSTMARK_SERVER_TOKEN', {
        meaning: 'The API token of the Postmark server.',
        required: true,
        misnomers: ['POSTMARK_API_TOKEN', 'POSTMARK_TOKEN', 'POSTMARK_API_KEY', 'EMAIL_POSTMARK_API_TOKEN'],
      }),
      username: text('POSTMARK_WEBHOOK_USERNAME', {
        meaning: 'The user name that Postmark presents with its webhooks (Basic auth).',
        example: 'postmark',
      }),
      password: secret('POSTMARK_WEBHOOK_PASSWORD', {
        meaning: 'The password that Postmark presents with its webhooks. Without it none are received.',
      }),
      previousPassword: secret('POSTMARK_WEBHOOK_PASSWORD_PREVIOUS', {
        meaning: 'The former webhook password, accepted too while the new one is rolled out.',
      }),
    },
    check(reading) {
      const [username, password] = [reading.given('username'), reading.given('password')]
      if ((username === undefined) !== (password === undefined)) {
        reading.fault(['username', 'password'], 'belong together, and only one is set', 'Set both, or neither.')
      } else if (password === undefined && reading.given('previousPassword') !== undefined) {
        reading.fault(['previousPassword'], 'is set without the new password', 'Set POSTMARK_WEBHOOK_PASSWORD too.')
      }
    },
    resolve({ serverToken, username, password, previousPassword }) {
      const complete = username !== undefined && password !== undefined
      return { serverToken, webhook: complete ? { username, password, previousPassword } : undefined }
    },
  })
}

const rules: readonly ProductionRule<EmailSettings>[] = [
  {
    id: 'prod-email-transport',
    severity: 'fault',
    variables: ['EMAIL_TRANSPORT'],
    problem: 'is one that delivers to nobody',
    remedy: 'Set EMAIL_TRANSPORT to postmark or smtp, or EMAIL_ENABLED=false.',
    broken: ({ transport }) => transport !== 'postmark' && transport !== 'smtp',
  },
  {
    id: 'prod-email-test-token',
    severity: 'fault',
    variables: ['POSTMARK_SERVER_TOKEN'],
    problem: 'is POSTMARK_API_TEST, which accepts everything and delivers nothing',
    remedy: 'Set it to the token of a Postmark server.',
    broken: ({ postmark }) => postmark?.serverToken.reveal() === 'POSTMARK_API_TEST',
  },
  {
    id: 'prod-email-webhook-password',
    severity: 'fault',
    variables: ['POSTMARK_WEBHOOK_PASSWORD'],
    problem: 'is shorter than 16 characters, and whoever guesses it can mark any address as bounced',
    remedy: 'Set it to a long random text, for example from: openssl rand -hex 24.',
    broken: ({ postmark }) => (postmark?.webhook?.password.reveal().length ?? 16) < 16,
  },
  {
    id: 'prod-email-intercept',
    severity: 'warning',
    variables: ['EMAIL_INTERCEPT_TO'],
    problem: 'is set: no mail reaches the people it is for',
    remedy: 'Unset it, unless this is a staging system.',
    broken: ({ interceptTo }) => interceptTo.length > 0,
  },
]

/** The variables of email. */
export const emailSection: Section<EmailSettings> = section({
  title: 'Email',
  about: 'Transactional mail.',
  switch: 'EMAIL_ENABLED',
  prefixes: ['EMAIL_', 'POSTMARK_'],
  fields: {
    required: boolean('EMAIL_REQUIRED', {
      meaning: 'Whether the app neither starts nor counts as ready while mail cannot be handed over.',
      default: false,
    }),
    transport: choice('EMAIL_TRANSPORT', ['outbox', 'console', 'memory', 'postmark', 'smtp'], {
      meaning: 'What becomes of mail: files to look at, lines on the console, kept for tests, or really sent.',
      default: 'outbox',
      misnomers: ['EMAIL_BACKEND', 'EMAIL_DRIVER', 'EMAIL_PROVIDER'],
    }),
    senderAddress: text('EMAIL_SENDER_ADDRESS', {
      meaning: 'Who mail comes from. The provider must have confirmed it.',
      default: 'no-reply@localhost',
      requiredWhen: { transport: ['postmark', 'smtp'] },
      example: 'hello@example.com',
      pattern: ADDRESS,
      problem: 'must be an email address without a name',
      misnomers: ['EMAIL_FROM', 'EMAIL_SENDER', 'EMAIL_FROM_ADDRESS'],
    }),
    senderName: text('EMAIL_SENDER_NAME', {
      meaning: 'The name beside that address.',
      example: 'Example Shop',
      pattern: /^[^\p{Cc}]{1,120}$/u,
      problem: 'must be 1 to 120 characters on one line',
      misnomers: ['EMAIL_FROM_NAME'],
    }),
    timeoutMs: duration('EMAIL_TIMEOUT', {
      meaning: 'How long one send may take with all its retries.',
      default: '30s',
      min: '1s',
      max: '10m',
    }),
    maxRetries: integer('EMAIL_MAX_RETRIES', {
      meaning: 'How often to repeat what certainly was not sent and may succeed.',
      default: 3,
      max: 20,
      unit: 'retries',
    }),
    trackOpens: boolean('EMAIL_TRACK_OPENS', {
      meaning: "Whether the provider counts who opens a mail. Unset, the provider's own setting holds.",
      example: 'false',
    }),
    trackLinks: choice('EMAIL_TRACK_LINKS', ['none', 'html', 'text', 'html-and-text'], {
      meaning: "Which links the provider rewrites to count clicks. Unset, the provider's own setting holds.",
      example: 'none',
    }),
    interceptTo: list('EMAIL_INTERCEPT_TO', {
      meaning: 'Addresses that get all mail instead of its recipients: for staging.',
      default: [],
      example: 'team@example.com',
      pattern: ADDRESS,
      problem: 'must be email addresses, separated by commas',
    }),
    allowList: list('EMAIL_ALLOW_LIST', {
      meaning: 'The only addresses and @domains that get mail.',
      default: [],
      example: '@example.com,ada@example.org',
      pattern: ADDRESS_OR_DOMAIN,
      problem: 'must be email addresses or @domains, separated by commas',
    }),
    outbox: group({
      when: { transport: ['outbox'] },
      fields: {
        directory: text('EMAIL_OUTBOX_DIR', {
          meaning: 'Where the files of the outbox go.',
          default: '.outbox',
          misnomers: ['EMAIL_TEST_OUTPUT_DIR', 'EMAIL_OUTBOX_PATH', 'EMAIL_OUTBOX_DIRECTORY'],
        }),
      },
    }),
    postmark: postmarkGroup(),
    smtp: group({
      when: { transport: ['smtp'] },
      fields: {
        url: url('EMAIL_SMTP_URL', {
          meaning: 'The mail server, with user name and password.',
          schemes: ['smtp', 'smtps'],
          required: true,
          example: 'smtps://user:password@smtp.example.com:465',
          misnomers: ['SMTP_URL', 'EMAIL_SMTP_HOST'],
        }),
      },
    }),
  },
  rules,
})
