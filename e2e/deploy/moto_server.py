"""Runs moto, a mock of AWS, with additions that amazon.aws needs and Debian 13's moto 5.1 lacks.

Usage: moto_server.py PORT
"""

import re
import sys

from moto.ec2.responses import elastic_block_store, instances, route_tables
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE
from moto.server import main

# moto's response to CreateRouteTable lacks the origin of the local route.
route_tables.CREATE_ROUTE_TABLE_RESPONSE = route_tables.CREATE_ROUTE_TABLE_RESPONSE.replace(
    "<gatewayId>local</gatewayId>",
    "<gatewayId>local</gatewayId><origin>CreateRouteTable</origin>",
)

# moto's responses about volumes lack multiAttachEnabled.
for name in ("CREATE_VOLUME_RESPONSE", "DESCRIBE_VOLUMES_RESPONSE"):
    answer = getattr(elastic_block_store, name)
    setattr(
        elastic_block_store,
        name,
        answer.replace("<encrypted>", "<multiAttachEnabled>false</multiAttachEnabled><encrypted>"),
    )

# moto reports the tags of an Elastic IP with a resource type that differs from AWS's.
EC2_PREFIX_TO_RESOURCE["eipalloc"] = "elastic-ip"

# moto neither stores nor reports metadata options.
instances.EC2_DESCRIBE_INSTANCES = instances.EC2_DESCRIBE_INSTANCES.replace(
    "<hypervisor>xen</hypervisor>",
    """<hypervisor>xen</hypervisor>
    <metadataOptions>
      <state>applied</state>
      <httpEndpoint>{{ instance.metadata_options.get("HttpEndpoint", "enabled") }}</httpEndpoint>
      <httpTokens>{{ instance.metadata_options.get("HttpTokens", "optional") }}</httpTokens>
      <httpPutResponseHopLimit>
        {{- instance.metadata_options.get("HttpPutResponseHopLimit", 1) -}}
      </httpPutResponseHopLimit>
    </metadataOptions>""",
)
run_instances = instances.InstanceResponse.run_instances


def run_instances_with_metadata_options(self):
    answer = run_instances(self)
    for instance_id in re.findall("<instanceId>(.*?)</instanceId>", answer):
        instance = self.ec2_backend.get_instance(instance_id)
        instance.metadata_options = self._get_multi_param_dict("MetadataOptions")
    return answer


instances.InstanceResponse.run_instances = run_instances_with_metadata_options

main(["-H", "127.0.0.1", "-p", sys.argv[1]])
