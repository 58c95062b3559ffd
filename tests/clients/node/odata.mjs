// Client libraries of OData for Node: @odata/client, and the code that odata2ts generates from
// $metadata. Run by test_odata.py, which gives everything in the environment.
//
// usage: node odata.mjs client
//        node odata.mjs generated FOLDER     FOLDER holds the generated code

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { OData } from '@odata/client';
import { FetchClient } from '@odata2ts/http-client-fetch';

const { API, TOKEN, MACHINE } = process.env;
const headers = { Authorization: `Bearer ${TOKEN}` };
const NAMESPACE = 'microsoft.windowsDefenderATP.api';

async function client() {
  const service = OData.New4({ serviceEndpoint: `${API}/`, commonHeaders: headers, processCsrfToken: false });
  const machines = service.getEntitySet('Machines');
  const windows = service.newFilter().property('osPlatform').eq('Windows11');
  const found = await machines.query(service.newParam().filter(windows).orderby('computerDnsName', 'desc'));
  const rows = await machines.query(service.newParam().select(['computerDnsName', 'osBuild']).top(2));
  const [expanded] = await machines.query(
    service.newParam().filter(service.newFilter().property('id').eq(MACHINE)).expand('logOnUsers'),
  );
  const tag = (Action) => machines.action(`${NAMESPACE}.Tags`, MACHINE, { Value: 'node', Action });
  return {
    count: await machines.count(windows),
    names: found.map((one) => one.computerDnsName),
    selected: rows.map((one) => Object.keys(one)),
    one: (await machines.retrieve(MACHINE)).computerDnsName,
    expanded: expanded.logOnUsers.map((user) => user.accountName),
    tagged: (await tag('Add')).machineTags,
    untagged: (await tag('Remove')).machineTags,
  };
}

async function generated(folder) {
  const require = createRequire(import.meta.url);
  const { defenderService, MachineCollectionService, MachineService } = require(join(folder, 'defenderService.js'));
  const { DeviceValue, MachineHealthStatus, TagAction } = require(join(folder, 'defenderModel.js'));
  const service = new defenderService(new FetchClient({ headers }), API);
  const rows = async (asked) => (await asked).data.value;
  const windows = (q) => q.osPlatform.eq('Windows11');
  const found = await service.Machines().query((b, q) => b.filter(windows(q)).orderBy(q.computerDnsName.desc()).count());
  const selected = await rows(service.Machines().query((b) => b.select('computerDnsName', 'osBuild').top(2)));
  const [expanded] = await rows(
    service.Machines().query((b, q) => b.filter(q.id.eq(MACHINE)).expanding('logOnUsers', (e) => e.select('accountName'))),
  );
  const active = await service.Machines().query((b, q) => b.filter(q.healthStatus.eq(MachineHealthStatus.Active)).count().top(0));
  const machine = service.Machines(MACHINE);
  const without = await rows(service.Machines().UnTaggedMachines());
  const tag = async (Action) => (await machine.Tags({ Value: 'node', Action })).data.machineTags;
  const high = (await machine.SetDeviceValue({ DeviceValue: DeviceValue.High })).data;
  const excluded = (await machine.SetExclusion({ IsExcluded: true, ExclusionReason: 'Other' })).data;
  if (high.deviceValue !== 'High' || !excluded.isExcluded) throw new Error(JSON.stringify([high, excluded]));
  // What is bound to a type is a method whose name begins as in the metadata.
  const operations = (type) => Object.getOwnPropertyNames(type.prototype).filter((name) => /^[A-Z]/.test(name));
  return {
    count: found.data['@odata.count'],
    names: found.data.value.map((one) => one.computerDnsName),
    selected: selected.map((one) => Object.keys(one)),
    one: (await machine.query()).data.computerDnsName,
    expanded: expanded.logOnUsers.map((user) => user.accountName),
    tagged: await tag(TagAction.Add),
    untagged: await tag(TagAction.Remove),
    users: (await rows(machine.logOnUsers().query())).map((user) => user.accountName),
    active: active.data['@odata.count'],
    without: without.length,
    health: Object.values(MachineHealthStatus).filter((value) => typeof value === 'string'),
    onSets: operations(MachineCollectionService),
    onMachines: operations(MachineService),
  };
}

const [flow, ...rest] = process.argv.slice(2);
console.log(JSON.stringify(await { client, generated }[flow](...rest)));
