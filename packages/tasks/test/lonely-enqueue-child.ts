import { rabbitmqBroker } from '../src/brokers/rabbitmq.js'
import { redisBroker } from '../src/brokers/redis.js'
import { createTasks, defineTask } from '../src/index.js'

// A process that does nothing but enqueue, while nobody listens where its broker should be.
const note = defineTask({ name: 'note', run: () => {} })
for (const broker of [rabbitmqBroker({ url: 'amqp://127.0.0.1:1' }), redisBroker({ url: 'redis://127.0.0.1:1' })]) {
  const tasks = createTasks({ broker, tasks: [note], enqueueTimeout: '1s' })
  await tasks.enqueue(note).catch((error: { readonly code: string }) => console.log(broker.name, error.code))
  await tasks.close()
}
