"""Bodies of replies to measure with: the same from the same random numbers, by services' own forms."""

import json

SIZE = 1_000_000


def tag_xml(rng):
    return f"<item><key>tag-{rng.randint(1, 20)}</key><value>{rng.choice(['web', 'db &amp; cache', ''])}</value></item>"


def device_xml(rng):
    return (
        f"<item><deviceName>/dev/sd{rng.choice('abcdef')}</deviceName><ebs><volumeId>vol-{rng.getrandbits(68):017x}"
        "</volumeId><status>attached</status><attachTime>2026-01-02T03:04:05.000Z</attachTime>"
        "<deleteOnTermination>true</deleteOnTermination></ebs></item>"
    )


def interface_xml(rng):
    address = f"10.0.{rng.randint(0, 255)}.{rng.randint(0, 255)}"
    return (
        f"<item><networkInterfaceId>eni-{rng.getrandbits(68):017x}</networkInterfaceId><subnetId>subnet-1</subnetId>"
        f"<vpcId>vpc-1</vpcId><description/><ownerId>123456789012</ownerId><status>in-use</status><macAddress>"
        f"02:ab:cd:ef:01:02</macAddress><privateIpAddress>{address}</privateIpAddress><sourceDestCheck>true"
        "</sourceDestCheck><groupSet><item><groupId>sg-1</groupId><groupName>default</groupName></item></groupSet>"
        "<attachment><attachmentId>eni-attach-1</attachmentId><deviceIndex>0</deviceIndex><status>attached</status>"
        "<attachTime>2026-01-02T03:04:05.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></attachment>"
        f"<privateIpAddressesSet><item><privateIpAddress>{address}</privateIpAddress><primary>true</primary></item>"
        "</privateIpAddressesSet><ipv6AddressesSet/></item>"
    )


def instance_xml(rng):
    return (
        f"<item><instanceId>i-{rng.getrandbits(68):017x}</instanceId><imageId>ami-1</imageId><instanceState><code>16"
        "</code><name>running</name></instanceState><privateDnsName/><dnsName/><reason/><keyName>ops</keyName>"
        "<amiLaunchIndex>0</amiLaunchIndex><productCodes/><instanceType>m7g.large</instanceType><launchTime>"
        "2026-01-02T03:04:05.000Z</launchTime><placement><availabilityZone>eu-west-1a</availabilityZone><groupName/>"
        "<tenancy>default</tenancy></placement><monitoring><state>disabled</state></monitoring><architecture>arm64"
        "</architecture><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/sda</rootDeviceName>"
        f"<blockDeviceMapping>{''.join(device_xml(rng) for _ in range(2))}</blockDeviceMapping>"
        f"<virtualizationType>hvm</virtualizationType><tagSet>{''.join(tag_xml(rng) for _ in range(5))}</tagSet>"
        f"<hypervisor>xen</hypervisor><networkInterfaceSet>{interface_xml(rng)}</networkInterfaceSet>"
        "<ebsOptimized>false</ebsOptimized><enaSupport>true</enaSupport></item>"
    )


def instances(rng, size=SIZE):
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
    parts, made = [], 0
    while made < size:
        parts.append(
            f"<item><reservationId>r-{rng.getrandbits(68):017x}</reservationId><ownerId>123456789012</ownerId>"
            f"<groupSet/><instancesSet>{instance_xml(rng)}</instancesSet></item>"
        )
        made += len(parts[-1])
    return f"{head}<requestId>r</requestId><reservationSet>{''.join(parts)}</reservationSet></DescribeInstancesResponse>"


def scan(rng):
    items, size = [], 0
    while size < SIZE:
        item = {
            "pk": {"S": f"customer#{rng.randint(1, 10**9)}"},
            "sk": {"N": str(rng.randint(1, 10**15))},
            "name": {"S": "".join(rng.choice("abcdefgh é") for _ in range(20))},
            "active": {"BOOL": rng.random() < 0.5},
            "note": {"NULL": True},
            "raw": {"B": "aGVsbG8gd29ybGQ="},
            "labels": {"SS": ["a", "b", "c"]},
            "list": {"L": [{"N": str(i)} for i in range(4)]},
            "address": {"M": {"street": {"S": "Main 1"}, "zip": {"N": "12345"}, "geo": {"M": {"x": {"N": "1.5"}}}}},
        }
        items.append(item)
        size += len(json.dumps(item, separators=(",", ":")))
    return json.dumps(
        {"Count": len(items), "Items": items, "ScannedCount": len(items)}, separators=(",", ":"), ensure_ascii=False
    )


def objects(rng):
    parts = "".join(
        f"<Contents><Key>photos/2026/{i:06d}.jpg</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
        f"<ETag>&quot;{rng.getrandbits(128):032x}&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
        f"<ChecksumType>FULL_OBJECT</ChecksumType><Size>{rng.randint(1, 10**9)}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
        for i in range(1000)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>vault</Name><Prefix/><KeyCount>1000</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>"
        f"{parts}</ListBucketResult>"
    )
