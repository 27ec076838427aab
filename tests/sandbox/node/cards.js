// The official Node SDK's CardKit client. Arguments: platform URL, app id, app secret, receiver's open_id.
// Prints one JSON line per call.
const { Client, LoggerLevel } = require("@larksuiteoapi/node-sdk");

const [domain, appId, appSecret, receiver] = process.argv.slice(2);
const client = new Client({ appId, appSecret, domain, loggerLevel: LoggerLevel.error });
const { card, cardElement } = client.cardkit.v1;

async function judged(call, answering) {
  const answer = await answering;
  process.stdout.write(JSON.stringify({ call, code: answer.code, msg: answer.msg }) + "\n");
  return answer.data;
}

const cardJson = (content, config) => JSON.stringify({
  schema: "2.0",
  config,
  body: { elements: [{ tag: "markdown", element_id: "text", content }] },
});

async function main() {
  const data = { type: "card_json", data: cardJson("…", { streaming_mode: true }) };
  const { card_id } = await judged("create", card.create({ data }));
  await judged("send", client.im.message.create({
    params: { receive_id_type: "open_id" },
    data: { receive_id: receiver, msg_type: "interactive", content: JSON.stringify({ type: "card", data: { card_id } }) },
  }));
  const path = { card_id, element_id: "text" };
  await judged("content", cardElement.content({ path, data: { content: "streamed", sequence: 1 } }));
  await judged("settings", card.settings({
    path: { card_id },
    data: { settings: JSON.stringify({ config: { streaming_mode: false } }), sequence: 2 },
  }));
  await judged("update", card.update({
    path: { card_id },
    data: { card: { type: "card_json", data: cardJson("the end", {}) }, sequence: 3 },
  }));
}

main();
