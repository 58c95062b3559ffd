"""The server's description of itself, read by a program that knows OpenAPI and not this server."""

import json
import pathlib
import unittest

from openapi_spec_validator import OpenAPIV31SpecValidator

DOCUMENT = pathlib.Path(__file__).parents[2] / "crates" / "server" / "openapi.json"


class OpenApi(unittest.TestCase):
    def test_the_document_is_openapi_3_1(self):
        document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
        self.assertRegex(document["openapi"], r"^3\.1\.")
        errors = OpenAPIV31SpecValidator(document).iter_errors()
        self.assertEqual([], [f"{list(error.path)}: {error.message}" for error in errors])
