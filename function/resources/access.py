"""What reaches Spaces and control planes: one kubeconfig Secret an environment, one ProviderConfig an endpoint."""

from collections.abc import Iterator, Mapping

from function import endpoints, kube, names
from function.desired import Composed
from function.model.environment import ControlPlane, Environment, SecretKey, Space
from function.observed import WANTED, Observed

MOVED = "cannot change its host from {old} to {new} while {old} is in use: list {old} in formerHosts if it is the same Space"


def compose(env: Environment, observed: Observed) -> Iterator[Composed]:
    """The kubeconfig Secret and the ProviderConfigs. A Legacy Space gets none: nothing is created in it."""
    spaces = [s for s in env.spaces.values() if not s.legacy]
    entered = [c for c in env.control_planes if (c.space, c.group, c.name) in env.entered]
    if endpoints.holds_kubeconfigs(env):
        yield _secret(env, _kubeconfigs(env, observed, spaces, entered))
    for s in spaces:
        key, host = names.space_access(s.name), endpoints.host(observed, s)
        kubeconfig = s.kubeconfig or _generated(env, names.space_endpoint_key(s.name))
        moved = "" if host == s.host else MOVED.format(old=host, new=s.host)
        yield Composed(key, kube.provider_config(env, key, host, kubeconfig, s.token), entry=s.name, refused=moved)
    for c in entered:
        s, key = env.spaces[c.space], names.control_plane_access(c)
        kubeconfig = c.kubeconfig or _generated(env, names.control_plane_endpoint_key(c))
        yield Composed(key, kube.provider_config(env, key, endpoints.host(observed, s), kubeconfig, s.token), entry=c.entry)


def _secret(env: Environment, data: Mapping[str, str]) -> Composed:
    key = names.KUBECONFIG
    if env.hub:
        manifest = kube.wrapped_kubeconfigs(env, key, env.hub.namespace, data, env.hub.provider_config)
    else:
        manifest = kube.secret(names.object_name(env.identity, key), env.identity.namespace, data)
    return Composed(key, manifest, entry=key)


def _kubeconfigs(env: Environment, observed: Observed, spaces: list[Space], entered: list[ControlPlane]) -> dict[str, str]:
    """The Secret's data: ours as they should be, and as they are where a host may not change or an endpoint is still used."""
    urls = {names.space_endpoint_key(s.name): (s, names.space_url(s.host)) for s in spaces if not s.kubeconfig}
    for c in entered:
        if not c.kubeconfig:
            urls[names.control_plane_endpoint_key(c)] = (env.spaces[c.space], names.control_plane_url(env.spaces[c.space].host, c))
    data = {key: kube.encoded(kube.kubeconfig(env.organization, s, url)) for key, (s, url) in urls.items()}
    used = _read_by_observed(observed)
    for key, old in observed.mapping(names.KUBECONFIG, *(WANTED if env.hub else ()), "data").items():
        gone, moved = key not in urls, key in urls and endpoints.host(observed, urls[key][0]) != urls[key][0].host
        if isinstance(old, str) and (moved or (gone and key in used)):
            data[key] = old
    return dict(sorted(data.items()))


def _generated(env: Environment, key: str) -> SecretKey:
    namespace = env.hub.namespace if env.hub else env.identity.namespace
    return SecretKey(namespace, names.object_name(env.identity, names.KUBECONFIG), key)


def _read_by_observed(observed: Observed) -> frozenset[str]:
    """Keys of the Secret that an observed ProviderConfig reads."""
    configs = (key for key in observed if key.startswith("providerconfig/"))
    return frozenset(observed.text(key, "spec", "credentials", "secretRef", "key") for key in configs)
