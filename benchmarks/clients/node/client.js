// Feishu's own Node SDK: WSClient. Argument: the settings. Answers each line with what it has handled, and ends with its input.
const readline = require("node:readline");
const { EventDispatcher, LoggerLevel, WSClient } = require("@larksuiteoapi/node-sdk");

const { url, appId, appSecret } = JSON.parse(process.argv[2]);
const seen = [];
const eventDispatcher = new EventDispatcher({}).register({
  "im.message.receive_v1": async (data) => {
    seen.push(data.event_id);
  },
});
const lines = readline.createInterface({ input: process.stdin });
lines.on("line", () => console.log(JSON.stringify({ handled: seen.length, different: new Set(seen).size })));
lines.on("close", () => process.exit(0));
new WSClient({ appId, appSecret, domain: url, loggerLevel: LoggerLevel.error }).start({ eventDispatcher });
