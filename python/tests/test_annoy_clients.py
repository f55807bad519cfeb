"""Programs written for Annoy, with kith.annoy in its place. Skipped if they are not installed."""

import sys

import numpy as np
import pytest

import kith.annoy

# What other packages warn of is not ours.
pytestmark = pytest.mark.filterwarnings("ignore")

WORDS = [f"word{i}" for i in range(200)]
VECTORS = np.random.default_rng(41).normal(size=(200, 20)).astype(np.float32)


@pytest.fixture(autouse=True)
def annoy_is_kith(monkeypatch):
    monkeypatch.setitem(sys.modules, "annoy", kith.annoy)


@pytest.fixture
def gensim_vectors():
    gensim = pytest.importorskip("gensim", reason="gensim is not installed")
    vectors = gensim.models.KeyedVectors(20)
    vectors.add_vectors(WORDS, VECTORS)
    return vectors


@pytest.mark.parametrize("name", ["words.ann", "words.kith"])
def test_gensim(gensim_vectors, tmp_path, name):
    from gensim.similarities.annoy import AnnoyIndexer

    indexer = AnnoyIndexer(gensim_vectors, 50)
    assert type(indexer.index) is kith.annoy.AnnoyIndex
    exact = gensim_vectors.most_similar("word3", topn=10)
    for _ in range(2):
        found = gensim_vectors.most_similar("word3", topn=11, indexer=indexer)
        assert found[0][0] == "word3"
        assert [word for word, _ in found[1:]] == [word for word, _ in exact]
        assert [s for _, s in found[1:]] == pytest.approx([s for _, s in exact], abs=1e-4)
        indexer.save(str(tmp_path / name))
        indexer = AnnoyIndexer()
        indexer.load(str(tmp_path / name))
        indexer.model = gensim_vectors


def test_sklearn_ann():
    pytest.importorskip("sklearn_ann", reason="sklearn-ann is not installed")
    sys.modules.pop("sklearn_ann.kneighbors.annoy", None)
    from sklearn.neighbors import KNeighborsTransformer
    from sklearn_ann.kneighbors.annoy import AnnoyTransformer

    for metric in ("euclidean", "sqeuclidean", "manhattan"):
        ours = AnnoyTransformer(5, metric=metric, n_trees=10, search_k=10_000)
        exact = KNeighborsTransformer(n_neighbors=5, metric=metric)
        graph = ours.fit_transform(VECTORS)
        assert type(ours.annoy_) is kith.annoy.AnnoyIndex
        assert graph.toarray() == pytest.approx(exact.fit_transform(VECTORS).toarray(), abs=1e-3)
        queries = VECTORS[:30] + 0.1
        expected = exact.transform(queries).toarray()
        assert ours.transform(queries).toarray() == pytest.approx(expected, abs=1e-3)


def test_langchain(tmp_path):
    pytest.importorskip("langchain_community", reason="langchain_community is not installed")
    from langchain_community.vectorstores import Annoy
    from langchain_core.embeddings import Embeddings

    class Fixed(Embeddings):
        def embed_documents(self, texts):
            return [VECTORS[WORDS.index(text)].tolist() for text in texts]

        def embed_query(self, text):
            return self.embed_documents([text])[0]

    store = Annoy.from_texts(WORDS, Fixed(), metric="angular", trees=20, n_jobs=1)
    assert type(store.index) is kith.annoy.AnnoyIndex
    store.save_local(str(tmp_path))
    loaded = Annoy.load_local(str(tmp_path), Fixed(), allow_dangerous_deserialization=True)
    for one in (store, loaded):
        found = one.similarity_search_with_score("word7", k=3)
        assert found[0][0].page_content == "word7" and found[0][1] == pytest.approx(0, abs=1e-3)
        assert one.similarity_search_by_index(7, k=3)[0].page_content == "word7"
        assert len(one.max_marginal_relevance_search("word7", k=2)) == 2
