// The official Node SDK's long connection client. Arguments: platform URL, app id, app secret.
// Prints one JSON line per event.
const { EventDispatcher, LoggerLevel, WSClient } = require("@larksuiteoapi/node-sdk");

const [domain, appId, appSecret] = process.argv.slice(2);
const tell = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const eventDispatcher = new EventDispatcher({}).register({
  "im.message.receive_v1": async (data) => {
    tell({
      message_id: data.message.message_id,
      content: data.message.content,
      sender: data.sender.sender_id.open_id,
      mentions: (data.message.mentions || []).map((mention) => mention.id.open_id),
      token: data.token,
    });
  },
  "card.action.trigger": async (data) => {
    tell({ clicked: data.action.value, on: data.context.open_message_id });
    return {
      toast: { type: "success", content: "from node" },
      card: { type: "raw", data: { elements: [{ tag: "hr" }] } },
    };
  },
});

new WSClient({ appId, appSecret, domain, loggerLevel: LoggerLevel.error }).start({ eventDispatcher });
