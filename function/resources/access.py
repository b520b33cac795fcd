"""What reaches Spaces and control planes: one kubeconfig Secret an environment, one ProviderConfig an endpoint."""

from collections.abc import Iterator, Mapping

from function import endpoints, kube, names, tokens
from function.desired import Composed
from function.model.environment import Environment
from function.model.parts import SecretKey, Space
from function.observed import WANTED, Observed

MOVED = "cannot change its host from {old} to {new} while {old} is in use: list {old} in formerHosts if it is the same Space"


def compose(env: Environment, observed: Observed) -> Iterator[Composed]:
    """The kubeconfig Secret and the ProviderConfigs. A Legacy Space gets none: nothing is created in it."""
    hosts = endpoints.hosts(env, observed)
    spaces = [s for s in env.spaces.values() if not s.legacy]
    if env.namespaced or env.hub:
        yield from _secret(env, _kept(env, observed) | _wanted(env, hosts, spaces))
    for s in spaces:
        key, host = names.space_access(s.name), hosts[s.name]
        kubeconfig = s.kubeconfig or _generated(env, names.space_endpoint_key(s.name))
        refused = MOVED.format(old=host, new=s.host) if host != s.host and key in observed else ""
        token, needs = tokens.current(s.token, observed)
        yield Composed(key, kube.provider_config(env, key, host, kubeconfig, token), needs=needs, leads=True, entry=s.name, refused=refused)
    for c in env.entered:
        s, key = env.spaces[c.space], names.control_plane_access(c)
        kubeconfig = c.kubeconfig or _generated(env, names.control_plane_endpoint_key(c))
        token, needs = tokens.current(s.token, observed)
        yield Composed(key, kube.provider_config(env, key, hosts[s.name], kubeconfig, token), needs=needs, leads=True, entry=c.entry)


def _secret(env: Environment, data: Mapping[str, str]) -> Iterator[Composed]:
    key = names.KUBECONFIG
    if not data:
        return
    if env.hub:
        secret = kube.secret(names.object_name(env.identity, key), env.hub.namespace, data)
        manifest = kube.wrapped_without_secret(env, key, secret, kube.Via(env.hub.provider_config_name))
    else:
        manifest = kube.secret(names.object_name(env.identity, key), env.identity.namespace, data)
    yield Composed(key, manifest, entry=key)


def _wanted(env: Environment, hosts: Mapping[str, str], spaces: list[Space]) -> dict[str, str]:
    """Kubeconfigs of what the environment has."""
    urls = {names.space_endpoint_key(s.name): (s, names.space_url(hosts[s.name])) for s in spaces if not s.kubeconfig}
    for c in env.entered:
        if not c.kubeconfig:
            urls[names.control_plane_endpoint_key(c)] = (env.spaces[c.space], names.control_plane_url(hosts[c.space], c))
    return {key: kube.encoded(kube.kubeconfig(env.organization, s, url)) for key, (s, url) in sorted(urls.items())}


def _kept(env: Environment, observed: Observed) -> dict[str, str]:
    """Kubeconfigs that an observed ProviderConfig still reads, whatever the environment has: made anew, but for their CA."""
    old, kept = observed.mapping(names.KUBECONFIG, *(WANTED if env.hub else ()), "data"), {}
    for config in (key for key in observed if key.startswith("providerconfig/")):
        host, key = observed.annotation(config, names.ANNOTATION_HOST), observed.text(config, "spec", "credentials", "secretRef", "key")
        mine = observed.text(config, "spec", "credentials", "secretRef", "name") == names.object_name(env.identity, names.KUBECONFIG)
        if mine and host and key == config.partition("/")[2].replace("/", "."):
            space, *inside = key.split(".")
            url = names.inner_url(host, *inside) if inside else names.space_url(host)
            gone = Space(space, "Cloud", host, (), kube.certificate_in(old.get(key)), insecure=False, token=None, kubeconfig=None)
            kept[key] = kube.encoded(kube.kubeconfig(env.organization, gone, url))
    return kept


def _generated(env: Environment, key: str) -> SecretKey:
    namespace = env.hub.namespace if env.hub else env.identity.namespace
    return SecretKey(namespace, names.object_name(env.identity, names.KUBECONFIG), key)
