// Asks once for each line of standard input, with one client of Anthropic's SDK that goes by its profile.

const readline = require("node:readline");
const { Anthropic } = require("@anthropic-ai/sdk");

const client = new Anthropic({ maxRetries: 0 });

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      const message = await client.messages.create({
        model: process.argv[2],
        max_tokens: 64,
        messages: [{ role: "user", content: "hi" }],
      });
      console.log("answered:", message.content[0].text);
    } catch (error) {
      console.log("failed:", error.constructor.name, error.message);
    }
    console.log("over", line);
  }
}

main();
