// Node.js, its own HTTP server.
const fs = require('node:fs/promises');
const http = require('node:http');
const [spool, port] = [process.env.SPOOL, process.env.PORT];

async function keep(body) {
	const { uuid } = JSON.parse(body);
	if (!/^[A-Za-z0-9-]+$/.test(uuid))
		throw new Error('uuid');
	const part = `${spool}/tmp/${uuid}`;
	const file = await fs.open(part, 'wx');
	await file.writeFile(body);
	await file.sync();
	await file.close();
	await fs.rename(part, `${spool}/new/${uuid}.json`);
	await (await directory).sync();
}

const directory = fs.open(`${spool}/new`);
http.createServer(async (request, response) => {
	const parts = [];
	for await (const part of request)
		parts.push(part);
	const token = request.headers['validation-token'];
	if (token)
		response.setHeader('Validation-Token', token);
	try {
		if (parts.length)
			await keep(Buffer.concat(parts));
	} catch {
		response.statusCode = 503;
	}
	response.end();
}).listen(port, '127.0.0.1');
