"""Client libraries of OData, unmodified: they know the protocol and not this server, make their
classes of its $metadata and ask with them. What they find is compared with the plain answer.

python-odata and odatapy run here, @odata/client and the code of the generator odata2ts in
node/odata.mjs.
"""

import datetime
import json
import os
import pathlib
import ssl
import subprocess
import tempfile
import unittest

import requests
from odata import ODataService
from odata.enumtype import EnumTypeProperty
from odata.property import (
    BooleanProperty, DatetimeProperty, IntegerProperty, StringProperty, UUIDProperty,
)
from odatapy.client import BearerAuth, EdmEnabledODataClient, Field, HttpxTransport, ODataClientError
from odatapy.edm import Edm, FullQualifiedName
from odatapy.edm.json_csdl import JsonEdmProvider

from footfall import Fleet

NODE = os.environ["FOOTFALL_NODE"]
NAMESPACE = "microsoft.windowsDefenderATP.api"
SETS = {"Machines": "Machine", "Users": "User", "DeviceGroups": "DeviceGroup", "Alerts": "Alert"}
ON_SETS = ["AddOrRemoveTagForMultipleMachines", "BigPageSize", "FindByIp", "FindByTag", "UnTaggedMachines"]
ON_MACHINES = ["SetDeviceValue", "SetExclusion", "Tags"]
HEALTH = [
    "Active", "Inactive", "ImpairedCommunication", "NoSensorData",
    "NoSensorDataImpairedCommunication", "Unknown",
]


def setUpModule():
    global FLEET, PLAIN
    FLEET = Fleet()
    unittest.addModuleCleanup(FLEET.close)
    PLAIN = Plain(FLEET)
    unittest.addModuleCleanup(PLAIN.session.close)
    # Or a filter that does nothing would pass.
    assert 1 < len(PLAIN.windows) < len(PLAIN.names)


class Plain:
    """What the server says to somebody who knows its paths, without any option of a query."""

    def __init__(self, footfall):
        self.session = requests.Session()
        self.session.verify = footfall.authority_file
        # Or the authority that another test named in the environment would win.
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {footfall.token()}"
        self.api = f"{footfall.origin}/api"
        self.machines = self.rows("machines")
        self.names = sorted(machine["computerDnsName"] for machine in self.machines)
        self.windows = sorted(
            machine["computerDnsName"] for machine in self.machines
            if machine["osPlatform"] == "Windows11"
        )

    def rows(self, path):
        answer = self.session.get(f"{self.api}/{path}", timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]

    def machine(self, name):
        return next(machine for machine in self.machines if machine["computerDnsName"] == name)

    def users_on(self, name):
        users = self.rows(f"machines/{name}/logonusers")
        return sorted(user["accountName"] for user in users)


class PythonOData(unittest.TestCase):
    """Classes that python-odata makes at run time."""

    @classmethod
    def setUpClass(cls):
        cls.service = cls.read(PLAIN)
        cls.machines = cls.service.entities["Machines"]
        cls.query = cls.service.query(cls.machines)

    @staticmethod
    def read(plain):
        return ODataService(
            plain.api, reflect_entities=True, session=plain.session, quiet_progress=True
        )

    def test_classes(self):
        self.assertEqual(list(self.service.entities), list(SETS))
        for name, entity in self.service.entities.items():
            self.assertEqual(entity.__odata_type__, f"{NAMESPACE}.{SETS[name]}")
            self.assertTrue(entity.id.primary_key)
        machine = self.machines
        for prop, kind in [
            (machine.computerDnsName, StringProperty), (machine.lastSeen, DatetimeProperty),
            (machine.osBuild, IntegerProperty), (machine.rbacGroupId, IntegerProperty),
            (machine.isAadJoined, BooleanProperty), (machine.aadDeviceId, UUIDProperty),
            (machine.healthStatus, EnumTypeProperty), (machine.riskScore, EnumTypeProperty),
        ]:
            self.assertIs(type(prop), kind, prop)
        self.assertTrue(machine.machineTags.is_collection)
        self.assertEqual([health.name for health in machine.healthStatus.enum_class], HEALTH)
        self.assertEqual(machine.riskScore.enum_class.High.value, 30)
        user = self.service.entities["Users"]
        for link, target in [(machine.logOnUsers, "User"), (user.machines, "Machine")]:
            self.assertTrue(link.is_collection)
            self.assertIs(link.entitycls, self.service.types[f"{NAMESPACE}.{target}"])
        for name in ON_SETS + ON_MACHINES:
            operation = getattr(machine, name).actionbase_instance
            self.assertEqual(operation.bound_to_collection, name in ON_SETS)

    def test_queries(self):
        machine = self.machines
        first, second = PLAIN.windows[:2]
        windows = self.query.filter(machine.osPlatform == "Windows11")
        self.assertEqual(windows.count(), len(PLAIN.windows))
        self.assertEqual(self.query.count(), len(PLAIN.names))
        found = windows.order_by(machine.computerDnsName.desc()).all()
        self.assertEqual([one.computerDnsName for one in found], PLAIN.windows[::-1])
        page = windows.order_by(machine.computerDnsName.asc()).offset(1).limit(1).all()
        self.assertEqual([one.computerDnsName for one in page], [second])
        rows = windows.select(machine.computerDnsName, machine.osBuild).limit(2).all()
        self.assertEqual([set(row) for row in rows], [{"computerDnsName", "osBuild"}] * 2)
        either = (machine.computerDnsName == first) | machine.computerDnsName.startswith(second[:-5])
        self.assertEqual(self.query.filter(either).count(), 2)
        # A second later: Python drops the seventh digit.
        seen = datetime.datetime.fromisoformat(PLAIN.machine(first)["lastSeen"])
        seen += datetime.timedelta(seconds=1)
        later = sum(
            datetime.datetime.fromisoformat(one["lastSeen"]) > seen for one in PLAIN.machines
        )
        self.assertEqual(self.query.filter(machine.lastSeen > seen).count(), later)
        expected = sum(one["riskScore"] == "None" for one in PLAIN.machines)
        none = machine.riskScore.enum_class["None"]
        self.assertEqual(self.query.filter(machine.riskScore == none).count(), expected)

    def test_an_entity_and_what_hangs_on_it(self):
        name = PLAIN.windows[0]
        plain = PLAIN.machine(name)
        one = self.query.get(plain["id"])
        self.assertEqual((one.computerDnsName, one.osBuild), (name, plain["osBuild"]))
        self.assertEqual(one.healthStatus.name, plain["healthStatus"])
        self.assertEqual(one.lastSeen, datetime.datetime.fromisoformat(plain["lastSeen"]))
        # Asked for when it is first looked at: Machines('id')/logOnUsers.
        self.assertEqual(sorted(user.accountName for user in one.logOnUsers), PLAIN.users_on(name))
        named = self.query.filter(self.machines.computerDnsName == name)
        expanded = named.expand(self.machines.logOnUsers).first()
        users = expanded.__odata__.nav_cache["logOnUsers"]["collection"]
        self.assertEqual(sorted(user.accountName for user in users), PLAIN.users_on(name))


class OdataPy(unittest.TestCase):
    """The types that odatapy reads, by which it also reads every answer."""

    @classmethod
    def setUpClass(cls):
        cls.client = cls.read(FLEET)
        cls.addClassCleanup(cls.client.transport.close)
        cls.edm = cls.client.get_edm()

    @staticmethod
    def read(footfall):
        trusting = ssl.create_default_context(cafile=footfall.authority_file)
        transport = HttpxTransport(auth=BearerAuth(footfall.token()), verify=trusting)
        return EdmEnabledODataClient(f"{footfall.origin}/api", transport)

    def machines(self):
        return self.client.entity_set_uri("Machines")

    def machine(self, name):
        return self.client.entity_uri("Machines", PLAIN.machine(name)["id"])

    def names(self, uri):
        return [one.get_value("computerDnsName") for one in self.client.iter_entities(uri)]

    def test_types(self):
        sets = self.edm.entity_container.entity_sets
        self.assertEqual({one.name: one.entity_type.name for one in sets}, SETS)
        machine = self.edm.get_entity_type(FullQualifiedName(NAMESPACE, "Machine"))
        self.assertEqual(machine.key_predicate_names, ["id"])
        self.assertEqual(set(machine.property_names), set(PLAIN.machines[0]))
        self.assertEqual(machine.navigation_property_names, ["logOnUsers"])
        health = machine.get_structural_property("healthStatus")
        self.assertEqual((health.is_enum, health.nullable), (True, False))
        self.assertEqual(health.enum_type.member_names, HEALTH)
        address = machine.get_structural_property("ipAddresses")
        self.assertEqual((address.is_collection, address.is_complex), (True, True))
        self.assertEqual(set(address.complex_type.property_names), set(PLAIN.machines[0]["ipAddresses"][0]))
        bound = lambda collection: sorted(
            one.name for one in self.edm.get_bound_operations(f"{NAMESPACE}.Machine", collection)
        )
        self.assertEqual(bound(True), ON_SETS)
        self.assertEqual(bound(False), ON_MACHINES)

    def test_both_forms_of_the_metadata_say_the_same(self):
        answer = self.client.request(
            "GET", f"{PLAIN.api}/$metadata", headers={"Accept": "application/json"}
        )
        self.assertIn("application/json", answer.content_type)
        forms = [self.edm, Edm.from_provider(JsonEdmProvider(answer.content))]
        xml, of_json = [form.schemas[0] for form in forms]
        self.assertEqual(xml.entity_container, of_json.entity_container)
        self.assertEqual(xml.enum_types, of_json.enum_types)
        for kind in ("entity_types", "complex_types", "functions", "actions"):
            members = "parameters" if kind in ("functions", "actions") else "properties"
            shapes = [
                {
                    one.name: [(it.name, it.type, it.collection) for it in getattr(one, members)]
                    for one in getattr(schema, kind)
                }
                for schema in (xml, of_json)
            ]
            self.assertEqual(*shapes)

    def test_the_service_document_names_the_sets(self):
        entries = self.client.get_service_document().entries
        self.assertEqual([(one.name, one.kind) for one in entries], [(n, "EntitySet") for n in SETS])
        for one in entries:
            self.client.get_entity_set(self.client.entity_set_uri(one.url).top(1))

    def test_queries(self):
        windows = Field("osPlatform").eq("Windows11")
        by_name = Field("computerDnsName")
        found = self.machines().filter(windows).orderby(by_name.desc())
        self.assertEqual(self.names(found), PLAIN.windows[::-1])
        page = self.client.get_entity_set(found.copy().top(2).skip(1).count())
        self.assertEqual(page.count, len(PLAIN.windows))
        self.assertEqual(len(page.entities), 2)
        counted = self.machines().append_count_segment().filter(windows)
        self.assertEqual(self.client.get_count(counted), len(PLAIN.windows))
        rows = self.client.iter_entities(self.machines().select("computerDnsName").top(2))
        self.assertEqual([list(one.as_dict()) for one in rows], [["computerDnsName"]] * 2)
        name = PLAIN.windows[0]
        user = PLAIN.users_on(name)[0]
        of_user = self.machines().filter(
            Field("logOnUsers").any("u", Field("u/accountName").eq(user))
        )
        expected = PLAIN.rows(f"users/{user}/machines")
        self.assertEqual(
            sorted(self.names(of_user)), sorted(one["computerDnsName"] for one in expected)
        )

    def test_an_entity_and_what_hangs_on_it(self):
        name = PLAIN.windows[0]
        one = self.client.get_entity(self.machine(name))
        plain = PLAIN.machine(name)
        self.assertEqual(one.get_value("computerDnsName"), name)
        self.assertEqual(
            one.get_value("lastSeen").replace(microsecond=0),
            datetime.datetime.fromisoformat(plain["lastSeen"]).replace(microsecond=0),
        )
        users = self.machine(name).append_navigation_segment("logOnUsers")
        users = self.client.get_entity_set(users).entities
        self.assertEqual(sorted(one.get_value("accountName") for one in users), PLAIN.users_on(name))
        expanded = self.machines().filter(Field("computerDnsName").eq(name))
        expanded.expand_with_options("logOnUsers", select=["accountName"], top=1)
        [one] = self.client.iter_entities(expanded)
        [user] = one.get_navigation_link("logOnUsers").inline_entity_set.entities
        self.assertIn(user.get_value("accountName"), PLAIN.users_on(name))
        # The key of a user has a backslash in it.
        user = users[0].get_value("id")
        machines = self.client.entity_uri("Users", user).append_navigation_segment("machines")
        self.assertIn(name, self.names(machines))

    def test_operations(self):
        name = PLAIN.windows[1]
        function = self.machines().append_function_call_segment(f"{NAMESPACE}.UnTaggedMachines")
        untagged = lambda: self.client.invoke_function(function).value
        self.assertEqual(len(untagged()), len(PLAIN.names))
        big = self.machines().append_function_call_segment(f"{NAMESPACE}.BigPageSize")
        self.assertEqual(len(self.client.invoke_function(big).value), len(PLAIN.names))
        # Just after its last logon the machine had its address.
        plain = PLAIN.machine(name)
        moment = datetime.datetime.fromisoformat(plain["lastSeen"]).replace(microsecond=0)
        at = {"ip": plain["lastIpAddress"], "timestamp": moment}
        find = self.machines().append_function_call_segment(f"{NAMESPACE}.FindByIp", at)
        found = self.client.invoke_function(find).value
        self.assertIn(name, [one["computerDnsName"] for one in found])
        for action, tags in [("Add", ["odatapy"]), ("Remove", [])]:
            change = self.machine(name).append_action_call_segment(f"{NAMESPACE}.Tags")
            done = self.client.invoke_action(change, {"Value": "odatapy", "Action": action})
            self.assertEqual(done.value["machineTags"], tags)
            self.assertEqual(len(untagged()), len(PLAIN.names) - len(tags))

    def test_what_is_wrong_is_told(self):
        with self.assertRaises(ODataClientError) as refused:
            self.client.get_entity_set(self.machines().filter("no such thing"))
        self.assertIn("400: Syntax error at position 3 in 'no such thing'", str(refused.exception))


class Node(unittest.TestCase):
    """Libraries of Node, which answer the same questions with one line of JSON."""

    def ask(self, *flow):
        name = PLAIN.windows[1]
        environment = {
            **os.environ,
            "NODE_EXTRA_CA_CERTS": FLEET.authority_file,
            "API": PLAIN.api,
            "TOKEN": FLEET.token(),
            "MACHINE": PLAIN.machine(name)["id"],
        }
        done = subprocess.run(
            ["node", os.path.join(NODE, "odata.mjs"), *flow], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(said["count"], len(PLAIN.windows))
        self.assertEqual(said["names"], PLAIN.windows[::-1])
        self.assertEqual(said["selected"], [["computerDnsName", "osBuild"]] * 2)
        self.assertEqual(said["one"], name)
        self.assertEqual(sorted(said["expanded"]), PLAIN.users_on(name))
        self.assertEqual(said["tagged"], ["node"])
        self.assertEqual(said["untagged"], [])
        return said

    def test_the_client_of_light_odata(self):
        self.ask("client")

    def test_the_code_that_odata2ts_generates(self):
        with tempfile.TemporaryDirectory(dir=NODE) as folder:
            metadata = PLAIN.session.get(f"{PLAIN.api}/$metadata", timeout=30)
            folder = pathlib.Path(folder)
            (folder / "metadata.xml").write_bytes(metadata.content)
            options = {"target": "es2022", "module": "commonjs", "moduleResolution": "node"}
            (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}))
            subprocess.run(
                [
                    os.path.join(NODE, "node_modules", ".bin", "odata2ts"),
                    "--source", "metadata.xml", "--output", "code", "--service-name", "defender",
                    "--mode", "service", "--emit-mode", "js_dts",
                ],
                cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=120,
            )
            (folder / "code" / "package.json").write_text('{"type": "commonjs"}')
            said = self.ask("generated", str(folder / "code"))
            types = (folder / "code" / "defenderModel.d.ts").read_text()
        self.assertEqual(said["health"], HEALTH)
        self.assertEqual(sorted(said["onSets"]), ON_SETS)
        self.assertEqual(sorted(said["onMachines"]), ON_MACHINES)
        self.assertEqual(said["active"], sum(one["healthStatus"] == "Active" for one in PLAIN.machines))
        self.assertEqual(sorted(said["users"]), PLAIN.users_on(PLAIN.windows[1]))
        self.assertEqual(said["without"], len(PLAIN.names))
        for name in SETS.values():
            self.assertIn(f"export interface {name} {{", types)


class Walk(unittest.TestCase):
    """Over many pages, by the links that the libraries find by themselves."""

    SIZE = 10

    def setUp(self):
        self.ids = {
            name: sorted(row["id"] for row in PLAIN.rows(name)) for name in ("machines", "users")
        }

    def check(self, name, found, pages):
        ids = self.ids[name.lower()]
        self.assertEqual(sorted(found), ids)
        self.assertEqual(pages, -(-len(ids) // self.SIZE))
        self.assertGreater(pages, 5)

    def test_python_odata(self):
        plain = Plain(FLEET)
        self.addCleanup(plain.session.close)
        service = PythonOData.read(plain)
        plain.session.headers["Prefer"] = f"odata.maxpagesize={self.SIZE}"
        pages = []
        plain.session.hooks["response"].append(lambda answer, **_: pages.append(answer.url))
        for name in ("Machines", "Users"):
            pages.clear()
            found = [one.id for one in service.query(service.entities[name])]
            self.check(name, found, len(pages))

    def test_odatapy(self):
        client = OdataPy.read(FLEET)
        self.addCleanup(client.transport.close)
        for name in ("Machines", "Users"):
            uri = client.entity_set_uri(name)
            pages = list(client.iter_pages(uri, max_page_size=self.SIZE))
            found = [one.get_value("id") for page in pages for one in page.entities]
            self.check(name, found, len(pages))
