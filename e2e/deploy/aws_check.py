"""Checks the resources of an installation on AWS (or on moto) and reports the first difference.

Usage: aws_check.py installed ENVIRONMENT USER_DATA_FILE PORT[=NETWORK]...
           Everything exists; only these ports are open, to the world or to a network.
       aws_check.py kept ENVIRONMENT
           Only the data volume exists.
       aws_check.py gone ENVIRONMENT
           Nothing exists.
       aws_check.py withdraw ENVIRONMENT IMAGE
           Not a check: deregisters the image.

The first two print the id of the data volume, and the first also the image of the machine.
"""

import base64
import sys

import boto3

ec2 = boto3.client("ec2")


def tags(resource):
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", resource.get("TagSet", []))}


def belongings(environment):
    """Returns the resources with the environment's tags, by kind. Terminated machines, listed for an hour, are left out."""
    found = {
        "vpc": ec2.describe_vpcs()["Vpcs"],
        "subnet": ec2.describe_subnets()["Subnets"],
        "gateway": ec2.describe_internet_gateways()["InternetGateways"],
        "routes": ec2.describe_route_tables()["RouteTables"],
        "group": ec2.describe_security_groups()["SecurityGroups"],
        "key": ec2.describe_key_pairs()["KeyPairs"],
        "interface": ec2.describe_network_interfaces()["NetworkInterfaces"],
        "address": ec2.describe_addresses()["Addresses"],
        "volume": ec2.describe_volumes()["Volumes"],
        "machine": [
            machine
            for reservation in ec2.describe_instances()["Reservations"]
            for machine in reservation["Instances"]
            if machine["State"]["Name"] != "terminated"
        ],
    }
    wanted = {"Application": "nametag", "Environment": environment}
    return {
        kind: mine
        for kind, resources in found.items()
        if (mine := [resource for resource in resources if wanted.items() <= tags(resource).items()])
    }


def expect(what, got, want):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


def check_installed(environment, user_data, ports):
    name = f"nametag-{environment}"
    has = belongings(environment)
    expect(
        "the number of resources of each kind",
        {kind: len(resources) for kind, resources in has.items()},
        {"vpc": 1, "subnet": 1, "gateway": 1, "routes": 1, "group": 2, "key": 1}
        | {"interface": 1, "address": 1, "volume": 2, "machine": 1},
    )
    groups = {group["GroupName"]: group for group in has.pop("group")}
    volumes = {tags(volume)["Name"]: volume for volume in has.pop("volume")}
    has = {kind: resources[0] for kind, resources in has.items()}
    vpc, subnet, machine = has["vpc"]["VpcId"], has["subnet"]["SubnetId"], has["machine"]
    for kind, resource in has.items():
        expect(f"the name of the {kind}", tags(resource).get("Name"), name)

    expect("the subnet's network", has["subnet"]["VpcId"], vpc)
    expect("the gateway's networks", [a["VpcId"] for a in has["gateway"]["Attachments"]], [vpc])
    expect("the subnets of the routes", [a.get("SubnetId") for a in has["routes"]["Associations"]], [subnet])
    expect(
        "the routes",
        {route["DestinationCidrBlock"]: route["GatewayId"] for route in has["routes"]["Routes"]},
        {has["vpc"]["CidrBlock"]: "local", "0.0.0.0/0": has["gateway"]["InternetGatewayId"]},
    )

    expect("the groups", set(groups), {"default", name})
    expect("the inbound rules of the default group", groups["default"]["IpPermissions"], [])
    expect("the outbound rules of the default group", groups["default"]["IpPermissionsEgress"], [])
    expect(
        "the inbound rules of the group",
        {
            (rule["IpProtocol"], rule["FromPort"], rule["ToPort"], source)
            for rule in groups[name]["IpPermissions"]
            for source in [r["CidrIp"] for r in rule["IpRanges"]]
            + [r["CidrIpv6"] for r in rule["Ipv6Ranges"]]
            + rule["UserIdGroupPairs"]
            + rule["PrefixListIds"]
        },
        {("tcp", port, port, source) for port, sources in ports.items() for source in sources},
    )

    expect("the machine's state", machine["State"]["Name"], "running")
    expect("the machine's type", machine["InstanceType"], "t4g.small")
    expect("the machine's key", machine["KeyName"], name)
    expect("the machine's subnet", machine["SubnetId"], subnet)
    expect(
        "the machine's interfaces",
        [interface["NetworkInterfaceId"] for interface in machine["NetworkInterfaces"]],
        [has["interface"]["NetworkInterfaceId"]],
    )
    expect(
        "the interface's groups",
        [group["GroupId"] for group in has["interface"]["Groups"]],
        [groups[name]["GroupId"]],
    )
    expect("the address's interface", has["address"]["NetworkInterfaceId"], has["interface"]["NetworkInterfaceId"])
    expect("the machine's address", machine["PublicIpAddress"], has["address"]["PublicIp"])
    metadata = machine["MetadataOptions"]
    expect("the metadata service's tokens", metadata["HttpTokens"], "required")
    expect("the metadata service's hop limit", metadata["HttpPutResponseHopLimit"], 1)
    attribute = ec2.describe_instance_attribute(InstanceId=machine["InstanceId"], Attribute="userData")
    with open(user_data, "rb") as file:
        expect("the user data", base64.b64decode(attribute["UserData"]["Value"]), file.read())

    expect("the volumes", set(volumes), {name, f"{name}-data"})
    for volume in volumes.values():
        expect("the volume's encryption", volume["Encrypted"], True)
        expect("the volume's type", volume["VolumeType"], "gp3")
    expect(
        "the machine's volumes, and whether they are deleted with it",
        {
            device["DeviceName"]: (device["Ebs"]["VolumeId"], device["Ebs"]["DeleteOnTermination"])
            for device in machine["BlockDeviceMappings"]
        },
        {
            "/dev/xvda": (volumes[name]["VolumeId"], True),
            "/dev/sdf": (volumes[f"{name}-data"]["VolumeId"], False),
        },
    )
    print(volumes[f"{name}-data"]["VolumeId"], machine["ImageId"])


def check_kept(environment):
    has = belongings(environment)
    expect("the remaining resources", {kind: len(resources) for kind, resources in has.items()}, {"volume": 1})
    volume = has["volume"][0]
    expect("the volume's name", tags(volume)["Name"], f"nametag-{environment}-data")
    expect("the volume's state", volume["State"], "available")
    print(volume["VolumeId"])


if __name__ == "__main__":
    _, command, environment, *arguments = sys.argv
    if command == "installed":
        user_data, *ports = arguments
        ports = dict(port.partition("=")[::2] for port in ports)
        world = ["0.0.0.0/0", "::/0"]
        check_installed(
            environment, user_data, {int(port): [source] if source else world for port, source in ports.items()}
        )
    elif command == "kept":
        check_kept(environment)
    elif command == "gone":
        expect("the remaining resources", belongings(environment), {})
    elif command == "withdraw":
        ec2.deregister_image(ImageId=arguments[0])
    else:
        sys.exit(__doc__)
