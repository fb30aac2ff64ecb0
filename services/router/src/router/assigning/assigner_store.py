"""Every query for assigners."""

from router.assigning.assigner import ASSIGNERS, Assigner
from service_kit.docstore import Collection, DocStore, Fate
from service_kit.errors import TransientError


class AssignerStore:
    """Assigners in the document store, one for each account."""

    def __init__(self, store: DocStore) -> None:
        self.collection: Collection[Assigner] = store.collection(ASSIGNERS)

    async def find(self, account_id: str) -> Assigner | None:
        """The account's assigner, if there is one."""
        return await self.collection.get(account_id)

    async def of_account(self, account_id: str) -> Assigner:
        """The account's assigner, made on first use."""
        for _ in range(2):
            found = await self.find(account_id)
            if found is not None:
                return found
            await self.collection.insert_many([Assigner(id=account_id)])
        raise TransientError(f"the assigner of account {account_id} vanished as soon as it was made")

    async def replace(self, assigner: Assigner) -> Assigner | None:
        """Write it, and the document as now stored; None when somebody else wrote first."""
        (fate,) = await self.collection.replace_many([assigner])
        return assigner.model_copy(update={"rev": assigner.rev + 1}) if fate is Fate.DONE else None
